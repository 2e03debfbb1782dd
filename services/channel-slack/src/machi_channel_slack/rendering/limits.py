"""Block Kit's limits, counted as Slack counts them: in UTF-16 units, to be on the safe side."""

HEADER = 150
SECTION = 3000
BUTTON_LABEL = 75
BUTTONS = 25
MENU = 5
OPTION_VALUE = 150
PIECE = 3000
PIECES = 40
FACT = 600
WORDS = 8000  # all blocks of a message together may hold some 11,000 (msg_blocks_too_long)
OPTION_GROUPS = 100
MODAL_LABEL = 24
FIELD_LABEL = 2000
PLACEHOLDER = 150
OPTION = 75
OPTIONS = 100
BOXES = 10
BLOCKS = 50
HOME_BLOCKS = 100
INPUT = 3000
CONTEXT = 2000
# Bytes: an update takes 4,000 of them (msg_too_long), a third as many Japanese letters.
TEXT = 3900


def size(text: str) -> int:
    """UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """The text, shortened with an ellipsis when it is longer."""
    return text if size(text) <= most else f"{_prefix(text, most - 1)}…"


def pieces(text: str, most: int = PIECE) -> list[str]:
    """The whole text in pieces that fit; never inside a character."""
    found = []
    while text:
        head = _prefix(text, most)
        found.append(head)
        text = text[len(head) :]
    return found


def escaped(text: str) -> str:
    """Slack's three escapes, so that nothing people wrote is read as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notice(text: str) -> str:
    """Text for notifications and search: escaped, and short enough for an update."""
    found = escaped(text)
    while (over := len(found.encode("utf-8", "surrogatepass")) - TEXT) > 0:
        text = cut(text, size(text) - max(2, over // 5))
        found = escaped(text)
    return found


def _prefix(text: str, most: int) -> str:
    head = text[:most]
    while size(head) > most:
        head = head[: -max(1, (size(head) - most) // 2)]
    return head
