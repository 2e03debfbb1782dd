"""LINE's sizes. LINE counts UTF-16 code units; labels are counted so too, which is never too generous."""

TEXT = 5000
ALT_TEXT = 400
QUICK_REPLIES = 13
QUICK_LABEL = 20
FLEX_LABEL = 40
DISPLAY = 300
PLACE_LINE = 100
MESSAGES = 5
BUBBLES = 12
BUBBLE_BYTES = 28 * 1024
CAROUSEL_BYTES = 48 * 1024
FLEX_WORDS = 1500
LIST_BUTTONS = 8
URI = 1000


def size(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, within `most` units."""
    return text if size(text) <= most else _beginning(text, most - 1) + "…"


def ending(text: str, most: int) -> str:
    """The text, or its end within `most` units."""
    piece = text[-most:]
    while size(piece) > most:
        piece = piece[max(1, (size(piece) - most) // 2) :]
    return piece


def split(text: str, most: int = TEXT) -> list[str]:
    """The whole text in pieces within `most` units; joined they are the text again."""
    pieces = []
    while size(text) > most:
        piece = _beginning(text, most)
        at = piece.rfind("\n", most // 2) + 1
        piece = piece[:at] if at else piece
        pieces.append(piece)
        text = text[len(piece) :]
    return [*pieces, text]


def _beginning(text: str, most: int) -> str:
    piece = text[:most]
    while size(piece) > most:
        piece = piece[: -max(1, (size(piece) - most) // 2)]
    return piece
