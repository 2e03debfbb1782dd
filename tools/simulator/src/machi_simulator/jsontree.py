"""Typed reading of JSON that others sent: a value of the wrong kind counts as missing."""

from collections.abc import Iterator

Json = dict[str, object]


def as_object(value: object) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[Json]:
    """The objects of a list; anything else is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_list(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def child(node: Json, key: str) -> Json:
    """The object under `key`, or an empty one."""
    return as_object(node.get(key))


def children(node: Json, key: str) -> list[Json]:
    """The objects of the list under `key`."""
    return as_objects(node.get(key))


def text(node: Json, key: str, default: str = "") -> str:
    """The string under `key`, or `default`."""
    value = node.get(key)
    return value if isinstance(value, str) else default


def number(node: Json, key: str) -> float | None:
    """The number under `key`, or None."""
    value = node.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(node: Json, key: str, default: int = 0) -> int:
    """The whole number under `key` (a numeric string counts), or `default`."""
    value = node.get(key)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def texts(node: Json, key: str) -> list[str]:
    """The strings of the list under `key`."""
    return [item for item in as_list(node.get(key)) if isinstance(item, str)]


def walk(value: object) -> Iterator[Json]:
    """Every object inside a value, outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)
