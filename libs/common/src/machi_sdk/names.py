"""How typed words are compared: width, case, and what surrounds them do not count."""

import re
import unicodedata

_AROUND = " \t\r\n\u3000。.!?、,「」『』【】〈〉《》()[]\"'\u2018\u2019\u201c\u201d"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
# Letters and a symbol by category, and nothing to the eye: Hangul fillers, the empty Braille cell.
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def fold(text: str) -> str:
    """NFKC, case-folded, without what has no width, trimmed of space, quotes, brackets, and closing punctuation."""
    seen = unicodedata.normalize("NFKC", text)
    if not seen.isprintable():  # nothing printable is of category Cf, and nearly all words are
        seen = "".join(sign for sign in seen if unicodedata.category(sign) != "Cf")
    return seen.casefold().strip(_AROUND)


def says_something(text: str) -> bool:
    """Whether there is anything to see in it. A sign that this Unicode does not know yet is something."""
    return any(unicodedata.category(sign) not in _UNSEEN and sign not in _EMPTY for sign in text)


def stands_in(words: str, text: str) -> bool:
    """Whether a folded text has these words; in Latin letters, where a word begins: "tree" is not in "street"."""
    if words not in text:
        return False
    begin = r"(?<![a-z0-9])" if words[:1].isascii() else ""
    return re.search(begin + re.escape(words), text) is not None
