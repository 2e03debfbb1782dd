"""Whom and what words mention: Slack writes ids, people read names."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum

_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_GROUP = "!subteam^"


class Mentioned(Enum):
    """What an id stands for."""

    PERSON = "person"
    GROUP = "group"
    CHANNEL = "channel"


def kind_of(mention: str) -> Mentioned:
    """What a mention such as `@U0LEAD01` or `#C0BB` stands for."""
    if mention.startswith("#"):
        return Mentioned.CHANNEL
    return Mentioned.PERSON if mention[1:2] in ("U", "W") else Mentioned.GROUP


def id_word(target: str) -> str:
    """The target of a marked-up mention as a word; empty for anything else."""
    if target.startswith(_GROUP):
        return f"@{target.removeprefix(_GROUP)}"
    return target if target[:1] in ("@", "#") else ""


def labels(text: str) -> dict[str, str]:
    """Every mention of marked-up words, and the name that Slack gives it there; empty where it gives none."""
    found = ((id_word(target), label) for target, label in _TOKEN.findall(text))
    return {word: f"{word[0]}{label.removeprefix(word[0])}" if label else "" for word, label in found if word}


def renamed(words: str, names: Mapping[str, str]) -> str:
    """The words with names instead of ids."""
    if not names:
        return words
    longest_first = sorted(names, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: names[found[0]], words)


def left_open(words: str, mentions: Iterable[str]) -> str:
    """The words without ids, where nobody is asked for names."""
    return renamed(words, {each: f"{each[0]}…" for each in mentions})
