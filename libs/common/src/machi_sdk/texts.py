"""Texts shown to people: one YAML file per language, flat or nested keys, `str.format` places."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import cast

from machi_sdk.language import chain, default_language, widest
from machi_sdk.yaml_text import read_yaml


class Texts:
    """The catalogue in one folder; a language is added by adding its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """BCP 47 tags of the files present, the default first."""
        found = sorted(path.stem for path in self._folder.glob("*.yaml"))
        return tuple(sorted(found, key=lambda tag: tag != default_language()))

    @cached_property
    def _entries(self) -> dict[str, dict[str, str]]:
        return {tag: dict(_flat("", self._read(tag))) for tag in self.languages}

    def _read(self, language: str) -> Mapping[str, object]:
        return cast("Mapping[str, object]", read_yaml(self._folder / f"{language}.yaml"))

    def say(self, language: str, key: str, **places: str | int) -> str:
        """The text in that language, else in the nearest that has it; KeyError when none has."""
        found = (self._entries[tag].get(key) for tag in (*chain(language), *self.languages) if tag in self._entries)
        text = next(filter(None, found), None)
        if text is None:
            raise KeyError(key)
        return text.format(**places) if places else text

    def say_anyhow(self, language: str, key: str) -> str:
        """The text in that language; where nobody knows it, in the default one and the one that most fall back to."""
        spoken = [language] if language else ["", widest()]
        return "\n".join(dict.fromkeys(self.say(each, key) for each in spoken))

    def has(self, key: str) -> bool:
        """Whether any language knows the key."""
        return any(key in entries for entries in self._entries.values())

    def keys(self, language: str) -> frozenset[str]:
        """Every key that the language's own file has."""
        return frozenset(self._entries[language])

    def words(self, key: str) -> dict[str, str]:
        """The key's text in every language that has it."""
        return {tag: entries[key] for tag, entries in self._entries.items() if key in entries}


def pick(texts: Mapping[str, str], language: str) -> str:
    """The text of a per-language map in that language, else in the nearest that is there, else any."""
    return next((texts[tag] for tag in (*chain(language), *texts) if texts.get(tag)), "")


def _flat(prefix: str, node: object) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        return [pair for key, child in node.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), child)]
    return [(prefix, str(node))]
