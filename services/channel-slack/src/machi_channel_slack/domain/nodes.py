"""JSON that somebody else wrote, read liberally: what has another shape than expected is as good as missing."""

from collections.abc import Mapping, Sequence

Json = Mapping[str, object]


def part(node: Json, key: str) -> Json:
    """The object under a key; empty when there is none."""
    found = node.get(key)
    return found if isinstance(found, dict) else {}


def parts(node: Json, key: str) -> Sequence[Json]:
    """The objects of the list under a key."""
    found = node.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def words(node: Json, key: str) -> str:
    """The string under a key, its lone surrogates replaced: they cannot be kept. Empty when there is none."""
    found = node.get(key)
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else ""
