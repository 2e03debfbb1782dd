"""What people write: kept exactly, but for what no database can hold; compared whatever its width and case."""

import re
import unicodedata

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Kanji and katakana are written without blanks between; in plain Japanese and Korean a blank parts words.
_CLOSED_UP = r"[\u3005\u30a0-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
_BLANKS_WITHIN = re.compile(rf"(?<={_CLOSED_UP})\s+(?={_CLOSED_UP})")


def storable(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD; everything else stays as it is."""
    return _UNSTORABLE.sub("\ufffd", text)


def folded(text: str) -> str:
    """As words and names are compared: NFKC, case-folded, without blanks between kanji or katakana."""
    return _BLANKS_WITHIN.sub("", unicodedata.normalize("NFKC", text).casefold())
