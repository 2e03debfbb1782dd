"""LINE's rules for actions: what each kind needs and how long a label may be where it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from machi_simulator.jsontree import Json, child, text
from machi_simulator.line.counting import graphemes, utf16
from machi_simulator.line.errors import Problem

EVERYWHERE = frozenset({"postback", "message", "uri", "datetimepicker", "clipboard"})
DATETIME_FORMS = {
    "date": r"\d{4}-\d{2}-\d{2}",
    "time": r"\d{2}:\d{2}",
    "datetime": r"\d{4}-\d{2}-\d{2}[tT]\d{2}:\d{2}",
}


@dataclass(frozen=True)
class Place:
    """Where an action stands: which kinds may stand there and what its label has to be."""

    kinds: frozenset[str]
    label_required: bool
    label_most: int


QUICK_REPLY = Place(EVERYWHERE | {"camera", "cameraRoll", "location"}, label_required=True, label_most=20)
TEMPLATE = Place(EVERYWHERE, label_required=True, label_most=20)
IMAGE_CAROUSEL = Place(EVERYWHERE, label_required=False, label_most=12)
FLEX_BUTTON = Place(EVERYWHERE, label_required=True, label_most=40)
FLEX_OTHER = Place(EVERYWHERE, label_required=False, label_most=40)
RICH_MENU = Place(EVERYWHERE | {"richmenuswitch"}, label_required=False, label_most=20)


def at(where: str, key: str) -> str:
    """The place of `key` inside `where`."""
    return f"{where}.{key}" if where else key


def length(node: Json, key: str, most: int, *, least: int = 1, by_grapheme: bool = True) -> Iterator[str]:
    """Complain if the string under `key` is not within bounds; a missing one is within them."""
    value = node.get(key)
    if not isinstance(value, str):
        return
    size = graphemes(value) if by_grapheme else utf16(value)
    if not least <= size <= most:
        yield f"Length must be between {least} and {most}"


def required(node: Json, where: str, *keys: str) -> Iterator[Problem]:
    """Complain about each missing or empty string."""
    for key in keys:
        if not text(node, key):
            yield Problem(at(where, key), "May not be empty")


def bounded(node: Json, where: str, limits: dict[str, int]) -> Iterator[Problem]:
    """Complain about each string beyond its limit in characters as a reader sees them."""
    for key, most in limits.items():
        for what in length(node, key, most):
            yield Problem(at(where, key), what)


def web_address(node: Json, where: str, key: str) -> Iterator[Problem]:
    """An image address must be https and at most 2000 characters; a missing one is right."""
    value = node.get(key)
    if not isinstance(value, str):
        return
    if utf16(value) > 2000:
        yield Problem(f"{where}.{key}", "Length must be between 1 and 2000")
    if not value.startswith("https://") or not urlsplit(value).hostname:
        yield Problem(f"{where}.{key}", "Must be a valid HTTPS URL")


def check_action(action: Json, where: str, place: Place) -> Iterator[Problem]:
    """Problems of one action standing at `place`."""
    kind = text(action, "type")
    if kind not in place.kinds:
        yield Problem(f"{where}.type", f"An action of type {kind!r} can't be used here")
        return
    yield from _label(action, where, place)
    yield from _KINDS.get(kind, _nothing)(action, where)
    if place is QUICK_REPLY and kind == "postback" and "text" in action:
        yield Problem(f"{where}.text", "can't be used with quick reply buttons")


def _label(action: Json, where: str, place: Place) -> Iterator[Problem]:
    if place.label_required:
        yield from required(action, where, "label")
    yield from bounded(action, where, {"label": place.label_most})


def _nothing(_action: Json, _where: str) -> Iterator[Problem]:
    return iter(())


def _postback(action: Json, where: str) -> Iterator[Problem]:
    yield from required(action, where, "data")
    for what in length(action, "data", 300, by_grapheme=False):
        yield Problem(f"{where}.data", what)
    yield from bounded(action, where, {"displayText": 300, "text": 300, "fillInText": 300})
    if "text" in action and "displayText" in action:
        yield Problem(f"{where}.text", "text and displayText can't be used together")
    if "fillInText" in action and action.get("inputOption") != "openKeyboard":
        yield Problem(f"{where}.fillInText", "fillInText needs inputOption openKeyboard")


def _message(action: Json, where: str) -> Iterator[Problem]:
    yield from required(action, where, "text")
    yield from bounded(action, where, {"text": 300})


def _uri(action: Json, where: str) -> Iterator[Problem]:
    yield from required(action, where, "uri")
    for owner, key in ((action, "uri"), (child(action, "altUri"), "desktop")):
        value = text(owner, key)
        if not value:
            continue
        if utf16(value) > 1000:
            yield Problem(f"{where}.{key}", "Length must be between 1 and 1000")
        if not _is_uri(value):
            yield Problem(f"{where}.{key}", "invalid uri scheme")


def _is_uri(value: str) -> bool:
    parts = urlsplit(value)
    if not value.isascii() or " " in value:
        return False
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname)
    if parts.scheme == "tel":
        return re.fullmatch(r"[+0-9*#,;-]+", parts.path) is not None
    return parts.scheme == "line" and bool(parts.netloc or parts.path)


def _datetime(action: Json, where: str) -> Iterator[Problem]:
    yield from required(action, where, "data", "mode")
    form = DATETIME_FORMS.get(text(action, "mode"))
    if form is None:
        return
    for key in ("initial", "min", "max"):
        if key in action and not re.fullmatch(form, text(action, key)):
            yield Problem(f"{where}.{key}", "invalid format for the mode")
    if text(action, "min") and text(action, "max") and text(action, "min") >= text(action, "max"):
        yield Problem(f"{where}.min", "min must be earlier than max")


def _clipboard(action: Json, where: str) -> Iterator[Problem]:
    yield from required(action, where, "clipboardText")
    for what in length(action, "clipboardText", 1000, by_grapheme=False):
        yield Problem(f"{where}.clipboardText", what)


def _switch(action: Json, where: str) -> Iterator[Problem]:
    yield from required(action, where, "data", "richMenuAliasId")


_KINDS = {
    "postback": _postback,
    "message": _message,
    "uri": _uri,
    "datetimepicker": _datetime,
    "clipboard": _clipboard,
    "richmenuswitch": _switch,
}
