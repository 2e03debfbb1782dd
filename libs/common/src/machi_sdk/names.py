"""How typed words are compared: width, case, and surrounding space do not count."""

import unicodedata


def fold(text: str) -> str:
    """NFKC, case-folded, trimmed of space and closing punctuation."""
    return unicodedata.normalize("NFKC", text).casefold().strip(" \t\r\n　。.!！?？、,")
