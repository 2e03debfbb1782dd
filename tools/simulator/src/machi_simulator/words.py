"""What the views themselves say: a file per language beside this one, chosen by the browser or by the reader."""

import re
from functools import cache
from pathlib import Path

import yaml

TEXTS = Path(__file__).parent / "texts"
LETTERS = re.compile("[^a-z0-9]+")
NUMBER = re.compile("[0-9]+")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Texts by language, in the order the files give themselves; the first stands in for every other."""
    found = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in TEXTS.glob("*.yaml")}
    return dict(sorted(found.items(), key=lambda pair: int(pair[1]["order"])))


def names() -> dict[str, str]:
    """What each language calls itself."""
    return {language: texts["name"] for language, texts in catalogue().items()}


def spoken(chosen: str, accepted: str) -> str:
    """The language chosen before, else the nearest to what the browser accepts, else the first."""
    wanted = [chosen, *(part.split(";")[0].strip() for part in accepted.split(","))]
    return next((found for tag in wanted if (found := _nearest(tag))), next(iter(catalogue())))


def _nearest(tag: str) -> str:
    """The language itself, else of its kin the one written in the region asked for, else the first of its kin."""
    parts = tag.lower().split("-")
    kin = [language for language in catalogue() if language.lower().split("-")[0] == parts[0]]

    def nearness(language: str) -> tuple[bool, bool]:
        regions = catalogue()[language]["regions"].lower().split()
        return language.lower() == tag.lower(), not set(parts).isdisjoint(regions)

    return max(kin, key=nearness, default="")


class Say:
    """Says a key's words in one language."""

    def __init__(self, language: str) -> None:
        self._texts = catalogue()[language]

    def __call__(self, key: str, **places: str | int) -> str:
        """The words; KeyError for a key that no file has."""
        return self._texts[key].format(**places) if places else self._texts[key]

    def reason(self, words: str) -> str:
        """Why something was not possible, as the platforms' rules say it, in this language where it is known.

        A number in it is `n` in the key; what stands in brackets behind it stays.
        """
        said, bracket, details = words.partition(" (")
        found = self._texts.get(_key(said)) or self._texts.get(_key(NUMBER.sub("n", said)))
        n = "".join(NUMBER.findall(said)[:1])
        return f"{found.format(n=n)}{bracket}{details}" if found else words


def _key(words: str) -> str:
    return f"no.{LETTERS.sub('-', words.lower()).strip('-')}"
