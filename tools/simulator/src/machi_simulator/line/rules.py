"""Everything a request to LINE has to satisfy: official schema, stricter published rules, official models."""

from collections.abc import Callable, Iterator

from linebot.v3.messaging import Message as MessageModel  # type: ignore[import-untyped, unused-ignore]  # by version
from pydantic.v1 import ValidationError as ModelError

from machi_simulator.jsontree import Json, child, children, number, text
from machi_simulator.line import schema
from machi_simulator.line.counting import utf16
from machi_simulator.line.errors import LineError, Problem, invalid
from machi_simulator.line.rules_actions import QUICK_REPLY, bounded, check_action, required, web_address
from machi_simulator.line.rules_flex import check_flex
from machi_simulator.line.rules_templates import check_template

Check = Callable[[Json, str], Iterator[Problem]]


def check_request(name: str, body: Json) -> None:
    """Refuse a message request LINE would refuse. Raises LineError 400."""
    found = schema.problems(name, body)
    if found:
        raise invalid(found)
    check_messages(children(body, "messages"))


def check_messages(messages: list[Json]) -> None:
    """Refuse messages LINE would refuse. Raises LineError 400."""
    found: list[Problem] = []
    for at, message in enumerate(messages):
        flex = list(check_flex(message, "")) if text(message, "type") == "flex" else []
        if flex:
            raise LineError(400, f"A message (messages[{at}]) in the request body is invalid", flex)
        found += _message(message, f"messages[{at}]")
    if found:
        raise invalid(found)


def _message(message: Json, where: str) -> Iterator[Problem]:
    check = _KINDS.get(text(message, "type"))
    if check is None:
        yield Problem(f"{where}.type", "is not known to this stand-in")
        return
    yield from check(message, where)
    yield from _quick_reply(message, where)
    sender = child(message, "sender")
    yield from bounded(sender, f"{where}.sender", {"name": 20})
    yield from web_address(sender, f"{where}.sender", "iconUrl")
    try:
        MessageModel.from_dict(message)
    except (ModelError, ValueError) as error:
        yield Problem(where, f"refused by the official model: {error}")


def _quick_reply(message: Json, where: str) -> Iterator[Problem]:
    if "quickReply" not in message:
        return
    items = children(child(message, "quickReply"), "items")
    if not 1 <= len(items) <= 13:
        yield Problem(f"{where}.quickReply.items", "Size must be between 1 and 13")
    for at, item in enumerate(items):
        spot = f"{where}.quickReply.items[{at}]"
        yield from check_action(child(item, "action"), f"{spot}.action", QUICK_REPLY)
        yield from web_address(item, spot, "imageUrl")


def _sized(message: Json, where: str, key: str, most: int) -> Iterator[Problem]:
    yield from required(message, where, key)
    if utf16(text(message, key)) > most:
        yield Problem(f"{where}.{key}", f"Length must be between 0 and {most}")


def _text(message: Json, where: str) -> Iterator[Problem]:
    yield from _sized(message, where, "text", 5000)
    if len(children(message, "emojis")) > 20:
        yield Problem(f"{where}.emojis", "Size must be between 0 and 20")


def _image(message: Json, where: str) -> Iterator[Problem]:
    yield from required(message, where, "originalContentUrl", "previewImageUrl")
    yield from web_address(message, where, "originalContentUrl")
    yield from web_address(message, where, "previewImageUrl")


def _audio(message: Json, where: str) -> Iterator[Problem]:
    yield from web_address(message, where, "originalContentUrl")
    if (number(message, "duration") or 0) <= 0:
        yield Problem(f"{where}.duration", "must be positive")


def _location(message: Json, where: str) -> Iterator[Problem]:
    yield from _sized(message, where, "title", 100)
    yield from _sized(message, where, "address", 100)
    for key, most in (("latitude", 90), ("longitude", 180)):
        if abs(number(message, key) or 0) > most:
            yield Problem(f"{where}.{key}", f"must be between -{most} and {most}")


def _template(message: Json, where: str) -> Iterator[Problem]:
    yield from _sized(message, where, "altText", 1500)
    yield from check_template(message, where)


def _flex(message: Json, where: str) -> Iterator[Problem]:
    yield from _sized(message, where, "altText", 1500)


def _imagemap(message: Json, where: str) -> Iterator[Problem]:
    yield from _sized(message, where, "altText", 1500)
    yield from web_address(message, where, "baseUrl")
    if child(message, "baseSize").get("width") != 1040:
        yield Problem(f"{where}.baseSize.width", "must be 1040")
    if not 1 <= len(children(message, "actions")) <= 50:
        yield Problem(f"{where}.actions", "Size must be between 1 and 50")


def _sticker(message: Json, where: str) -> Iterator[Problem]:
    yield from required(message, where, "packageId", "stickerId")


_KINDS: dict[str, Check] = {
    "text": _text,
    "textV2": _text,
    "image": _image,
    "video": _image,
    "audio": _audio,
    "location": _location,
    "template": _template,
    "flex": _flex,
    "imagemap": _imagemap,
    "sticker": _sticker,
}
