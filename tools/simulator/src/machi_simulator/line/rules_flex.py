"""LINE's rules for Flex Messages: what may stand in what, sizes, colours, unknown fields."""

import re
from collections.abc import Iterator
from functools import cache

import orjson

from machi_simulator.jsontree import Json, as_object, child, children, text
from machi_simulator.line.errors import Problem
from machi_simulator.line.rules_actions import FLEX_BUTTON, FLEX_OTHER, check_action, web_address
from machi_simulator.line.schema import known_fields

BLOCKS = ("header", "hero", "body", "footer")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?")
SIZE = re.compile(r"none|xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl|full|0|\d+(\.\d+)?(px|%)")
SPACE = re.compile(r"none|xs|sm|md|lg|xl|xxl|\d+(\.\d+)?px")
SPACES = ("margin", "spacing")
COLOURS = ("color", "backgroundColor", "borderColor")
SCHEMAS = {
    "box": "FlexBox",
    "button": "FlexButton",
    "image": "FlexImage",
    "video": "FlexVideo",
    "icon": "FlexIcon",
    "text": "FlexText",
    "span": "FlexSpan",
    "separator": "FlexSeparator",
    "filler": "FlexFiller",
}
IN_LINES = {"icon", "text", "filler"}
IN_BOXES = {"box", "button", "image", "video", "text", "separator", "filler"}


def check_flex(message: Json, where: str) -> Iterator[Problem]:
    """Problems of a Flex Message beyond the official schema; places are given as LINE does (`/body/contents/0`)."""
    del where
    container = child(message, "contents")
    if text(container, "type") == "carousel":
        bubbles = children(container, "contents")
        yield from _carousel(container, bubbles)
        for at, bubble in enumerate(bubbles):
            yield from _bubble(bubble, f"/contents/{at}")
    else:
        yield from _bubble(container, "")


def _carousel(container: Json, bubbles: list[Json]) -> Iterator[Problem]:
    if not 1 <= len(bubbles) <= 12:
        yield Problem("/contents", "size must be between 1 and 12")
    if len(orjson.dumps(container)) > 50 * 1024:
        yield Problem("/", "carousel is larger than 50 KB")
    if len({text(bubble, "size", "mega") for bubble in bubbles}) > 1:
        yield Problem("/contents", "bubbles must have the same size")
    yield from _unknown(container, "FlexCarousel", "")


def _bubble(bubble: Json, where: str) -> Iterator[Problem]:
    if len(orjson.dumps(bubble)) > 30 * 1024:
        yield Problem(where or "/", "bubble is larger than 30 KB")
    if not any(block in bubble for block in BLOCKS):
        yield Problem(where or "/", "at least one block must be specified")
    yield from _unknown(bubble, "FlexBubble", where)
    yield from _action(bubble, where, required=False)
    for block in BLOCKS:
        if block not in bubble:
            continue
        part = child(bubble, block)
        allowed = {"box", "image", "video"} if block == "hero" else {"box"}
        yield from _component(part, f"{where}/{block}", allowed)


def _component(part: Json, where: str, allowed: set[str]) -> Iterator[Problem]:
    kind = text(part, "type")
    if kind not in allowed:
        yield Problem(f"{where}/type", f"{kind or 'nothing'} can't be placed here")
        return
    yield from _unknown(part, SCHEMAS[kind], where)
    yield from _measures(part, where)
    check = {"box": _box, "text": _text, "button": _button, "image": _image, "icon": _image}.get(kind)
    if check is not None:
        yield from check(part, where)
    if kind in ("box", "text", "image"):
        yield from _action(part, where, required=False)


def _box(part: Json, where: str) -> Iterator[Problem]:
    allowed = IN_LINES if part.get("layout") == "baseline" else IN_BOXES
    for at, inner in enumerate(children(part, "contents")):
        yield from _component(inner, f"{where}/contents/{at}", allowed)


def _text(part: Json, where: str) -> Iterator[Problem]:
    spans = children(part, "contents")
    if not spans and not text(part, "text"):
        yield Problem(f"{where}/text", "must be non-empty text")
    for at, span in enumerate(spans):
        yield from _component(span, f"{where}/contents/{at}", {"span"})


def _button(part: Json, where: str) -> Iterator[Problem]:
    yield from _action(part, where, required=True)


def _image(part: Json, where: str) -> Iterator[Problem]:
    yield from web_address(part, where, "url")
    ratio = text(part, "aspectRatio", "1:1")
    sides = re.fullmatch(r"(\d{1,6})(?:\.\d+)?:(\d{1,6})(?:\.\d+)?", ratio)
    if sides is None or int(sides[2]) > 3 * int(sides[1]):
        yield Problem(f"{where}/aspectRatio", "invalid property")


def _action(part: Json, where: str, *, required: bool) -> Iterator[Problem]:
    if not required and "action" not in part:
        return
    place = FLEX_BUTTON if required else FLEX_OTHER
    for found in check_action(child(part, "action"), f"{where}/action", place):
        yield Problem(found.where.replace("action.", "action/"), found.what)


def _measures(part: Json, where: str) -> Iterator[Problem]:
    for key, value in part.items():
        if not isinstance(value, str):
            continue
        sized = key in ("size", "width", "height", "maxWidth", "maxHeight") or key.startswith(("padding", "offset"))
        if key == "height" and part.get("type") == "button":
            sized = False
        wrong = (
            (key in COLOURS and not COLOUR.fullmatch(value))
            or (key in SPACES and not SPACE.fullmatch(value))
            or (sized and not SIZE.fullmatch(value))
        )
        if wrong:
            yield Problem(f"{where}/{key}", "invalid property")


@cache
def _known(schema: str) -> frozenset[str]:
    return frozenset(known_fields(schema))


def _unknown(part: Json, schema: str, where: str) -> Iterator[Problem]:
    for key in as_object(part):
        if key not in _known(schema):
            yield Problem(f"{where}/{key}", "unknown field")
