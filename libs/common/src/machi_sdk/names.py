"""How typed words are compared: width, case, and surrounding space do not count."""

import re
import unicodedata


def fold(text: str) -> str:
    """NFKC, case-folded, trimmed of space and closing punctuation."""
    return unicodedata.normalize("NFKC", text).casefold().strip(" \t\r\n　。.!！?？、,")


def stands_in(words: str, text: str) -> bool:
    """Whether a folded text has these words; in Latin letters, where a word begins: "tree" is not in "street"."""
    begin = r"(?<![a-z0-9])" if words[:1].isascii() else ""
    return words in text and re.search(begin + re.escape(words), text) is not None
