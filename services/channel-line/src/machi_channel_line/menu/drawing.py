"""The menu's picture: flat tiles, simple icons, and labels where a font has the letters."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from machi_channel_line.menu.layout import Box, Menu, Tile

BACKGROUND = "#E8EEF2"
TILE = "#FFFFFF"
INK = "#00508F"
WORDS = "#1A1A1C"
GAP = 8
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/ヒラギノ角ゴシック W3.ttc",
    "C:/Windows/Fonts/YuGothM.ttc",
)
Pen = ImageDraw.ImageDraw
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def find_font(given: str = "") -> Path | None:
    """The font file that is set, else one with Japanese letters in its usual place, else none."""
    return next((path for path in map(Path, (given, *FONTS)) if path.name and path.is_file()), None)


def draw_menu(menu: Menu, font_file: Path | None) -> bytes:
    """A PNG of the menu's size, well under a megabyte."""
    image = Image.new("RGB", menu.size, BACKGROUND)
    pen = ImageDraw.Draw(image)
    for tile, box in zip(menu.tiles, menu.boxes, strict=True):
        _tile(pen, tile, box, font_file)
    out = BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _tile(pen: Pen, tile: Tile, box: Box, font_file: Path | None) -> None:
    edges = (box.x + GAP, box.y + GAP, box.x + box.width - GAP, box.y + box.height - GAP)
    pen.rounded_rectangle(edges, radius=24, fill=TILE)
    middle = box.x + box.width // 2
    label = tile.title if font_file is not None or tile.title.isascii() else ""
    height = box.y + (int(box.height * 0.40) if label else box.height // 2)
    icon = ICONS.get(tile.icon)
    if icon is not None:
        icon(pen, middle, height)
    else:
        _initial(pen, tile, (middle, height), font_file)
    if label:
        _label(pen, label, (middle, box.y + int(box.height * 0.76)), (box.width - 6 * GAP, font_file))


def _label(pen: Pen, label: str, at: tuple[int, int], room: tuple[int, Path | None]) -> None:
    width, font_file = room
    size = 44
    while size > 22 and pen.textlength(label, _font(font_file, size)) > width:
        size -= 2
    pen.text(at, label, fill=WORDS, font=_font(font_file, size), anchor="mm")


def _initial(pen: Pen, tile: Tile, at: tuple[int, int], font_file: Path | None) -> None:
    x, y = at
    pen.ellipse((x - 64, y - 64, x + 64, y + 64), fill=INK)
    letter = (tile.title if font_file is not None or tile.title.isascii() else tile.command)[:1].upper()
    pen.text(at, letter, fill=TILE, font=_font(font_file, 72), anchor="mm")


def _font(font_file: Path | None, size: int) -> Font:
    return ImageFont.truetype(str(font_file), size) if font_file is not None else ImageFont.load_default(size)


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


ICONS: dict[str, Callable[[Pen, int, int], None]] = {
    "road": _road,
    "globe": _globe,
    "question": _question,
    "bell": _bell,
    "bell-off": _bell_off,
    "list": _list,
}
