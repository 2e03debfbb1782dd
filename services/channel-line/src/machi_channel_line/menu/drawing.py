"""The menu's picture: flat tiles, simple icons, and labels in the shapes its readers' language gives the letters."""

from collections.abc import Callable
from io import BytesIO

from noto_cjk_sans_otc import FONT_PATH
from PIL import Image, ImageDraw, ImageFont

from machi_channel_line.menu.layout import Box, Menu, Tile
from machi_sdk.language import language as written

BACKGROUND = "#E8EEF2"
TILE = "#FFFFFF"
INK = "#00508F"
WORDS = "#1A1A1C"
GAP = 8
LABEL_SIZE, SMALLEST_LABEL = 44, 22
# The faces of Noto Sans CJK's collection, by the shapes they give to Han letters.
FACES = {"JP": 0, "KR": 1, "SC": 2, "TC": 3, "HK": 4}
Pen = ImageDraw.ImageDraw
Font = Callable[[int], ImageFont.FreeTypeFont]


def font_of(language: str, given: str = "") -> Font:
    """The font of a language by size: a municipality's own file, else Noto Sans CJK in that language's shapes."""
    face = 0 if given else FACES[written(language).glyphs]
    return lambda size: ImageFont.truetype(given or str(FONT_PATH), size, index=face)


def draw_menu(menu: Menu, given_font: str = "") -> bytes:
    """A PNG of the menu's size, well under a megabyte."""
    font = font_of(menu.language, given_font)
    image = Image.new("RGB", menu.size, BACKGROUND)
    pen = ImageDraw.Draw(image)
    for tile, box in zip(menu.tiles, menu.boxes, strict=True):
        _tile(pen, tile, box, font)
    out = BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _tile(pen: Pen, tile: Tile, box: Box, font: Font) -> None:
    edges = (box.x + GAP, box.y + GAP, box.x + box.width - GAP, box.y + box.height - GAP)
    pen.rounded_rectangle(edges, radius=24, fill=TILE)
    middle = box.x + box.width // 2
    height = box.y + int(box.height * 0.40)
    icon = ICONS.get(tile.icon)
    if icon is not None:
        icon(pen, middle, height)
    else:
        _initial(pen, tile, (middle, height), font)
    place = (middle, box.y + int(box.height * 0.76))
    label, letters = fitting(tile.title, box.width - 6 * GAP, font)
    pen.text(place, label, fill=WORDS, font=letters, anchor="mm", align="center")


def fitting(title: str, width: int, font: Font) -> tuple[str, ImageFont.FreeTypeFont]:
    """The title as it stands within `width`, and its font: in two lines where one would be too small to read.

    A line that is too wide even so ends with an ellipsis.
    """
    title = " ".join(title.split())
    for lines in ([title], _halves(title)):
        for size in range(LABEL_SIZE, SMALLEST_LABEL - 1, -2):
            if _widest(lines, font(size)) <= width:
                return "\n".join(lines), font(size)
    smallest = font(SMALLEST_LABEL)
    return "\n".join(_cut(line, width, smallest) for line in _halves(title)), smallest


def _widest(lines: list[str], font: ImageFont.FreeTypeFont) -> float:
    return max(font.getlength(line) for line in lines)


def _halves(title: str) -> list[str]:
    """Two lines, parted at the space nearest to the middle, or else in the middle."""
    middle = (len(title) + 1) // 2
    spaces = [at for at, sign in enumerate(title) if sign == " "]
    at = min(spaces, key=lambda space: abs(space - middle), default=middle)
    return [title[:at].strip(), title[at:].strip()]


def _cut(line: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(line) <= width:
        return line
    most = max((end for end in range(len(line)) if font.getlength(line[:end] + "…") <= width), default=0)
    return line[:most] + "…"


def _initial(pen: Pen, tile: Tile, at: tuple[int, int], font: Font) -> None:
    x, y = at
    pen.ellipse((x - 64, y - 64, x + 64, y + 64), fill=INK)
    pen.text(at, tile.title[:1].upper(), fill=TILE, font=font(72), anchor="mm")


def _road(pen: Pen, x: int, y: int) -> None:
    pen.polygon(((x - 26, y - 70), (x + 26, y - 70), (x + 74, y + 70), (x - 74, y + 70)), fill=INK)
    for top, half in ((-56, 4), (-14, 6), (32, 8)):
        pen.rectangle((x - half, y + top, x + half, y + top + 26), fill=TILE)


def _globe(pen: Pen, x: int, y: int) -> None:
    pen.ellipse((x - 68, y - 68, x + 68, y + 68), outline=INK, width=9)
    pen.ellipse((x - 30, y - 68, x + 30, y + 68), outline=INK, width=8)
    for shift in (-34, 0, 34):
        pen.line((x - 58 - (shift == 0) * 8, y + shift, x + 58 + (shift == 0) * 8, y + shift), fill=INK, width=8)


def _question(pen: Pen, x: int, y: int) -> None:
    pen.ellipse((x - 68, y - 68, x + 68, y + 68), outline=INK, width=9)
    pen.arc((x - 26, y - 44, x + 26, y + 8), 180, 90, fill=INK, width=10)
    pen.line((x, y + 4, x, y + 22), fill=INK, width=10)
    pen.ellipse((x - 7, y + 32, x + 7, y + 46), fill=INK)


def _bell(pen: Pen, x: int, y: int) -> None:
    pen.pieslice((x - 48, y - 66, x + 48, y + 30), 180, 360, fill=INK)
    pen.polygon(((x - 48, y - 18), (x + 48, y - 18), (x + 66, y + 38), (x - 66, y + 38)), fill=INK)
    pen.ellipse((x - 16, y + 36, x + 16, y + 66), fill=INK)


def _bell_off(pen: Pen, x: int, y: int) -> None:
    _bell(pen, x, y)
    pen.line((x - 66, y - 62, x + 66, y + 62), fill=TILE, width=22)
    pen.line((x - 66, y - 62, x + 66, y + 62), fill=INK, width=9)


def _list(pen: Pen, x: int, y: int) -> None:
    pen.rounded_rectangle((x - 56, y - 70, x + 56, y + 70), radius=12, outline=INK, width=9)
    for line in (-34, 0, 34):
        pen.line((x - 32, y + line, x + 32, y + line), fill=INK, width=9)


def _link(pen: Pen, x: int, y: int) -> None:
    for left in (x - 74, x - 18):
        pen.rounded_rectangle((left, y - 30, left + 92, y + 30), radius=30, outline=INK, width=11)


ICONS: dict[str, Callable[[Pen, int, int], None]] = {
    "road": _road,
    "globe": _globe,
    "question": _question,
    "bell": _bell,
    "bell-off": _bell_off,
    "list": _list,
    "link": _link,
}
