"""LINE's rules for template messages."""

from collections.abc import Iterator

from machi_simulator.jsontree import Json, child, children, text
from machi_simulator.line.errors import Problem
from machi_simulator.line.rules_actions import (
    IMAGE_CAROUSEL,
    TEMPLATE,
    bounded,
    check_action,
    required,
    web_address,
)


def check_template(message: Json, where: str) -> Iterator[Problem]:
    """Problems of a template message beyond the official schema."""
    template = child(message, "template")
    check = _KINDS.get(text(template, "type"))
    if check is not None:
        yield from check(template, f"{where}.template")


def _actions(owner: Json, where: str, least: int, most: int) -> Iterator[Problem]:
    actions = children(owner, "actions")
    if not least <= len(actions) <= most:
        yield Problem(f"{where}.actions", f"Size must be between {least} and {most}")
    for at, action in enumerate(actions):
        yield from check_action(action, f"{where}.actions[{at}]", TEMPLATE)


def _panel(panel: Json, where: str, loose: int, tight: int) -> Iterator[Problem]:
    """What buttons and carousel columns share: less text where an image or a title takes room."""
    yield from required(panel, where, "text")
    crowded = "thumbnailImageUrl" in panel or "title" in panel
    yield from bounded(panel, where, {"title": 40, "text": tight if crowded else loose})
    yield from web_address(panel, where, "thumbnailImageUrl")
    if "defaultAction" in panel:
        yield from check_action(child(panel, "defaultAction"), f"{where}.defaultAction", IMAGE_CAROUSEL)


def _buttons(template: Json, where: str) -> Iterator[Problem]:
    yield from _panel(template, where, 160, 60)
    yield from _actions(template, where, 1, 4)


def _confirm(template: Json, where: str) -> Iterator[Problem]:
    yield from required(template, where, "text")
    yield from bounded(template, where, {"text": 240})
    yield from _actions(template, where, 2, 2)


def _carousel(template: Json, where: str) -> Iterator[Problem]:
    columns = children(template, "columns")
    if not 1 <= len(columns) <= 10:
        yield Problem(f"{where}.columns", "Size must be between 1 and 10")
    for at, column in enumerate(columns):
        yield from _panel(column, f"{where}.columns[{at}]", 120, 60)
        yield from _actions(column, f"{where}.columns[{at}]", 1, 3)
    for what, same in (
        ("actions", {len(children(column, "actions")) for column in columns}),
        ("thumbnailImageUrl", {int("thumbnailImageUrl" in column) for column in columns}),
        ("title", {int("title" in column) for column in columns}),
    ):
        if len(same) > 1:
            yield Problem(f"{where}.columns", f"the columns must agree in {what}")


def _image_carousel(template: Json, where: str) -> Iterator[Problem]:
    columns = children(template, "columns")
    if not 1 <= len(columns) <= 10:
        yield Problem(f"{where}.columns", "Size must be between 1 and 10")
    for at, column in enumerate(columns):
        yield from required(column, f"{where}.columns[{at}]", "imageUrl")
        yield from web_address(column, f"{where}.columns[{at}]", "imageUrl")
        yield from check_action(child(column, "action"), f"{where}.columns[{at}].action", IMAGE_CAROUSEL)


_KINDS = {"buttons": _buttons, "confirm": _confirm, "carousel": _carousel, "image_carousel": _image_carousel}
