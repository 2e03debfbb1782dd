"""YAML by libyaml where it is there, ten times as fast; never anything but plain data."""

from collections.abc import Hashable
from pathlib import Path

import yaml


class KeyTwice(yaml.constructor.ConstructorError):
    """A mapping has a key twice: the later one would silence the earlier."""


class _Once(yaml.constructor.BaseConstructor):
    """Refuses what YAML itself forbids, and its library passes over."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002 (the library's own)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise _twice(key)
            seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


_SAFE = type("_Safe", (_Once, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), {})
_BASE = type("_Base", (_Once, getattr(yaml, "CBaseLoader", yaml.BaseLoader)), {})


def read_yaml(source: str | bytes | Path) -> object:
    """A document as plain data; yaml.YAMLError when it is none, which names the file and a key that stands twice."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            read: object = yaml.load(file, Loader=_SAFE)  # noqa: S506 (it is the safe loader, in C)
            return read
    found: object = yaml.load(source, Loader=_SAFE)  # noqa: S506 (as above)
    return found


def read_yaml_as_written(text: str | bytes) -> object:
    """The same with every value as text, letter by letter: an id of digits stays what it was."""
    found: object = yaml.load(text, Loader=_BASE)  # noqa: S506 (it makes text and nothing else)
    return found


def _twice(key: yaml.ScalarNode) -> KeyTwice:
    mark = key.start_mark
    file = "" if mark.name.startswith("<") else f"{mark.name}, "
    return KeyTwice(problem=f"{file}line {mark.line + 1}: the key {key.value!r} stands here twice", problem_mark=mark)
