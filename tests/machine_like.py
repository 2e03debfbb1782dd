"""What people read must not look like a machine's insides: keys, ids, places left open, exceptions, tags, raw times."""

import re
from collections.abc import Iterator

from machi_sdk.language import known

READ = frozenset(
    {"text", "altText", "alt_text", "label", "displayText", "title", "address", "chatBarText", "submit", "close"}
)
_TAGS = "|".join(re.escape(tag) for tag in known() if "-" in tag)
FORMS = {
    "snake_case": re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b"),
    "kebab-case": re.compile(r"(?<![\w/.])[a-z]+(?:-[a-z0-9]+)+(?![\w/])"),
    "dotted key": re.compile(r"(?<![\w/@])[a-z]+(?:\.[a-z][a-z-]*)+\b(?!/)"),
    "constant": re.compile(r"\b[A-Z]+(?:_[A-Z0-9]+)+\b"),
    "id": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-|\b[0-9a-f]{16,}\b"),
    "place left open": re.compile(r"\{\w*[:}]|%[sd]\b"),
    "exception": re.compile(r"\b[A-Z]\w+(?:Error|Exception)\b|Traceback"),
    "empty value": re.compile(r"\b(?:None|null|undefined|NaN|True|False)\b"),
    "raw time": re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d"),
    "language tag": re.compile(rf"\b(?:{_TAGS})\b"),
}
DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")  # Slack shows it as a moment, in its reader's own way
LINK = re.compile(r"https?://\S+|tel:\S+")


def machine_like(words: str) -> list[str]:
    """What in a text no person would write, each with its form."""
    read = LINK.sub("", DATE.sub(r"\1", words))
    return [f"{form}: {found.group()}" for form, pattern in FORMS.items() for found in pattern.finditer(read)]


def read_in(content: object) -> Iterator[str]:
    """The texts of a platform's message that a person reads, in order."""
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, str):
                yield from [value] if key in READ else []
            else:
                yield from read_in(value)
    elif isinstance(content, list | tuple):
        for each in content:
            yield from read_in(each)
