"""How LINE counts characters: UTF-16 code units for most texts, grapheme clusters for labels and templates."""

import unicodedata

JOINER = "\u200d"


def utf16(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def graphemes(text: str) -> int:
    """Length in characters as a reader sees them: marks, joiners, skin tones and flag pairs do not count twice."""
    count = 0
    previous = ""
    flag_open = False
    for char in text:
        flag = 0x1F1E6 <= ord(char) <= 0x1F1FF
        joined = _extends(char) or previous == JOINER or (flag and flag_open) or (previous, char) == ("\r", "\n")
        flag_open = flag and not flag_open
        count += 0 if joined and count else 1
        previous = char
    return count


def _extends(char: str) -> bool:
    skin_tone = 0x1F3FB <= ord(char) <= 0x1F3FF
    return char == JOINER or skin_tone or unicodedata.category(char) in ("Mn", "Me", "Mc")
