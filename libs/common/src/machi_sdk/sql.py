"""What PostgreSQL keeps of a text; values as SQL text, for statements that travel without parameters."""

from collections.abc import Iterable


def storable(text: str) -> str:
    """The text with U+FFFD for the one character that PostgreSQL does not keep, NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def literal(text: str) -> str:
    """Text as SQL has it; ValueError for the one character that no text may hold."""
    if "\0" in text:
        raise ValueError("a text with a NUL")
    return "'" + text.replace("'", "''") + "'"


def array(texts: Iterable[str]) -> str:
    """An array's elements as SQL has them, still without its type."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return literal('{"' + '","'.join(quoted) + '"}')
