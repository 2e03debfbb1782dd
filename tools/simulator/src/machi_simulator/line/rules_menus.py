"""LINE's rules for rich menus and their images."""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from machi_simulator.jsontree import Json, child, children, whole
from machi_simulator.line import schema
from machi_simulator.line.errors import LineError, Problem, invalid
from machi_simulator.line.rules_actions import RICH_MENU, bounded, check_action, required

MOST_BYTES = 1024 * 1024
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}


def check_menu(request: Json) -> None:
    """Refuse a rich menu LINE would refuse. Raises LineError 400."""
    found = [*schema.problems("RichMenuRequest", request), *_menu(request)]
    if found:
        raise invalid(found)


def _menu(request: Json) -> Iterator[Problem]:
    yield from required(request, "", "name", "chatBarText")
    yield from bounded(request, "", {"name": 300, "chatBarText": 14})
    if not isinstance(request.get("selected"), bool):
        yield Problem("selected", "May not be null")
    width, height = whole(child(request, "size"), "width"), whole(child(request, "size"), "height")
    if not (800 <= width <= 2500 and height >= 250 and width / max(height, 1) >= 1.45):
        yield Problem("size", "width must be 800 to 2500, height at least 250, width / height at least 1.45")
    areas = children(request, "areas")
    if len(areas) > 20:
        yield Problem("areas", "Size must be between 0 and 20")
    for at, area in enumerate(areas):
        yield from _bounds(child(area, "bounds"), f"areas[{at}].bounds", width, height)
        yield from check_action(child(area, "action"), f"areas[{at}].action", RICH_MENU)


def _bounds(bounds: Json, where: str, width: int, height: int) -> Iterator[Problem]:
    left, top = whole(bounds, "x", -1), whole(bounds, "y", -1)
    across, down = whole(bounds, "width"), whole(bounds, "height")
    inside = left >= 0 and top >= 0 and across > 0 and down > 0 and left + across <= width and top + down <= height
    if not inside:
        yield Problem(where, "must lie inside the rich menu")


def check_image(request: Json, body: bytes, content_type: str) -> str:
    """The image's true content type. Raises LineError for one LINE would not take."""
    if not body:
        raise LineError(400, "Bad Request: image is empty")
    if len(body) > MOST_BYTES:
        raise LineError(413, "Request Entity Too Large")
    if content_type not in FORMATS.values():
        raise LineError(415, "Unsupported Media Type")
    try:
        with Image.open(BytesIO(body)) as image:
            kind, size = FORMATS.get(image.format or ""), image.size
    except (UnidentifiedImageError, OSError) as error:
        raise LineError(400, "The image is not a JPEG or PNG") from error
    wanted = child(request, "size")
    declared = (whole(wanted, "width"), whole(wanted, "height"))
    if kind != content_type or size != declared:
        raise LineError(400, f"The image must be {declared[0]} x {declared[1]} and of type {content_type}")
    return content_type
