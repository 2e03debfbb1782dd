"""A rich menu as data: tiles in a grid, and the request LINE takes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from linebot.v3.messaging import RichMenuArea, RichMenuBounds, RichMenuRequest, RichMenuSize

from machi_channel_line.rendering.actions import pressed
from machi_sdk.conversation.press import CommandPress

WIDTH = 1200
ROW = 405
MOST_TILES = 8
BAR = 14
PREFIX = "machi "
DRAWING = "3"


@dataclass(frozen=True)
class Tile:
    """One field of the menu."""

    pod: str
    command: str
    title: str
    icon: str


@dataclass(frozen=True)
class Box:
    """A tile's place in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Menu:
    """The whole menu in one language."""

    language: str
    bar: str
    tiles: tuple[Tile, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return WIDTH, ROW if len(self.tiles) <= 3 else 2 * ROW

    @property
    def boxes(self) -> list[Box]:
        """Where the tiles stand; a last row with fewer tiles has wider ones."""
        rows = _rows(len(self.tiles))
        boxes: list[Box] = []
        for row, count in enumerate(rows):
            edges = [WIDTH * column // count for column in range(count + 1)]
            boxes += [Box(edges[at], row * ROW, edges[at + 1] - edges[at], ROW) for at in range(count)]
        return boxes

    def hash(self, look: str = "") -> str:
        """The same for the same menu drawn the same way."""
        tiles = [[tile.pod, tile.command, tile.title, tile.icon] for tile in self.tiles]
        data = orjson.dumps([DRAWING, look, self.language, self.bar, tiles])
        return hashlib.sha256(data).hexdigest()[:16]


def _rows(count: int) -> list[int]:
    return [count] if count <= 3 else [(count + 1) // 2, count // 2]


def menu_request(menu: Menu, name: str) -> dict[str, object]:
    """What LINE is asked to make."""
    width, height = menu.size
    areas = [_area(tile, box) for tile, box in zip(menu.tiles, menu.boxes, strict=True)]
    request = RichMenuRequest(
        size=RichMenuSize(width=width, height=height),
        selected=True,
        name=name,
        chat_bar_text=menu.bar[:BAR],
        areas=[area for area in areas if area is not None],
    )
    body: dict[str, object] = request.to_dict()
    return body


def _area(tile: Tile, box: Box) -> RichMenuArea | None:
    action = pressed(tile.title, CommandPress(tile.pod, tile.command), 20, shown=tile.title)
    bounds = RichMenuBounds(x=box.x, y=box.y, width=box.width, height=box.height)
    return RichMenuArea(bounds=bounds, action=action) if action is not None else None


def menu_name(menu: Menu, look: str = "") -> str:
    """A name by which a menu of ours is known again."""
    return f"{PREFIX}{menu.language} {menu.hash(look)}"


def first_tiles(tiles: Sequence[Tile], always: Sequence[Tile]) -> tuple[Tile, ...]:
    """At most eight: the pods' own in their order, then the ones that are always there."""
    kept = [tile for tile in tiles if tile not in always][: MOST_TILES - len(always)]
    return (*kept, *always)
