"""Slack's limits for block elements, as published in the Block Kit reference."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from machi_simulator.jsontree import Json, as_list, child, children, text


@dataclass
class Scope:
    """What has to be unique within one message or view, and what may be referred to."""

    surface: str
    known_file: Callable[[str], bool]
    block_ids: set[str] = field(default_factory=set)
    action_ids: set[str] = field(default_factory=set)


Found = Iterator[str]
SELECTS = {"static_select", "users_select", "conversations_select", "channels_select", "external_select"}
MULTI = {f"multi_{kind}" for kind in SELECTS}
PICKERS = {"datepicker", "timepicker", "datetimepicker"}
CHOICES = {"radio_buttons", "checkboxes", "overflow"}
TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input", "file_input"}
IN_ACTIONS = {"button", *SELECTS, *MULTI, *PICKERS, *CHOICES, "workflow_button"}
IN_SECTION = IN_ACTIONS | {"image"}
IN_INPUT = {*SELECTS, *MULTI, *PICKERS, *TYPED, "radio_buttons", "checkboxes"}


def said(what: str, where: str) -> str:
    """A problem in Slack's wording."""
    return f"{what} [json-pointer:{where}]"


def check_text(node: Json, where: str, most: int, *, plain: bool = False, least: int = 1) -> Found:
    """A text object: its type and its length."""
    kind = text(node, "type")
    if kind not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
        yield said("must be a valid text object" if not plain else "must be plain_text", where)
        return
    if kind == "mrkdwn" and "emoji" in node:
        yield said("no more than allowed keys: emoji", where)
    words = node.get("text")
    if not isinstance(words, str) or len(words) < least:
        yield said(f"must be more than {least - 1} characters", f"{where}/text")
    elif len(words) > most:
        yield said(f"must be less than {most + 1} characters", f"{where}/text")


def check_string(node: Json, where: str, limits: dict[str, int]) -> Found:
    """Strings with a greatest length."""
    for key, most in limits.items():
        value = node.get(key)
        if value is not None and not isinstance(value, str):
            yield said("should be a string", f"{where}/{key}")
        elif isinstance(value, str) and len(value) > most:
            yield said(f"must be less than {most + 1} characters", f"{where}/{key}")


def check_element(element: Json, where: str, allowed: set[str], scope: Scope) -> Found:
    """Problems of one element."""
    kind = text(element, "type")
    if kind not in allowed:
        yield said(f"unsupported type: {kind}", f"{where}/type")
        return
    yield from _identity(element, where, kind, scope)
    if kind == "button":
        yield from _button(element, where)
    elif kind == "image":
        yield from check_image(element, where, scope)
    elif kind in CHOICES or kind.endswith("static_select"):
        yield from _options(element, where, kind)
    if "placeholder" in element:
        yield from check_text(child(element, "placeholder"), f"{where}/placeholder", 150, plain=True)
    if kind == "plain_text_input":
        yield from check_string(element, where, {"initial_value": 3000})
    if "confirm" in element:
        yield from _confirm(child(element, "confirm"), f"{where}/confirm")


def _identity(element: Json, where: str, kind: str, scope: Scope) -> Found:
    if kind == "image":
        return
    yield from check_string(element, where, {"action_id": 255})
    action_id = text(element, "action_id")
    if action_id and action_id in scope.action_ids:
        yield said(f"`action_id` {action_id} already exists for another element", f"{where}/action_id")
    scope.action_ids.add(action_id)


def _button(element: Json, where: str) -> Found:
    yield from check_text(child(element, "text"), f"{where}/text", 75, plain=True)
    yield from check_string(element, where, {"value": 2000, "url": 3000, "accessibility_label": 75})
    if "url" in element and not is_link(text(element, "url")):
        yield said("must be a valid URL", f"{where}/url")
    if element.get("style", "primary") not in ("primary", "danger"):
        yield said("must be one of: primary, danger", f"{where}/style")


def check_image(node: Json, where: str, scope: Scope) -> Found:
    """An image block or element: exactly one source, and a text for those who can't see it."""
    url, given = text(node, "image_url"), child(node, "slack_file")
    if bool(url) == bool(given):
        yield said("must provide exactly one of image_url, slack_file", where)
    if url and (len(url) > 3000 or not is_link(url)):
        yield said("must be a valid URL", f"{where}/image_url")
    if given and not scope.known_file(text(given, "id") or text(given, "url")):
        yield said("invalid slack file", f"{where}/slack_file")
    if not text(node, "alt_text"):
        yield said("missing required field: alt_text", where)
    yield from check_string(node, where, {"alt_text": 2000})


def _options(element: Json, where: str, kind: str) -> Found:
    most, least = {"overflow": (5, 1), "radio_buttons": (10, 1), "checkboxes": (10, 1)}.get(kind, (100, 1))
    groups = children(element, "option_groups")
    options = [option for group in groups for option in children(group, "options")] or children(element, "options")
    if not groups and not least <= len(options) <= most:
        yield said(f"must have between {least} and {most} items", f"{where}/options")
    plain = kind not in ("radio_buttons", "checkboxes")
    for at, option in enumerate(options):
        yield from _option(option, f"{where}/options/{at}", plain=plain)
    values = [text(option, "value") for option in options]
    for key in ("initial_option", "initial_options"):
        initial = as_list(element.get(key)) if key.endswith("s") else [element[key]] if key in element else []
        if any(option not in options for option in initial):
            yield said("initial option must match one of the options", f"{where}/{key}")
    if len(set(values)) != len(values):
        yield said("option values must be unique", f"{where}/options")


def _option(option: Json, where: str, *, plain: bool) -> Found:
    yield from check_text(child(option, "text"), f"{where}/text", 75, plain=plain)
    if not isinstance(option.get("value"), str):
        yield said("missing required field: value", where)
    yield from check_string(option, where, {"value": 150})
    if "description" in option:
        yield from check_text(child(option, "description"), f"{where}/description", 75, plain=plain)


def _confirm(confirm: Json, where: str) -> Found:
    yield from check_text(child(confirm, "title"), f"{where}/title", 100, plain=True)
    yield from check_text(child(confirm, "text"), f"{where}/text", 300)
    yield from check_text(child(confirm, "confirm"), f"{where}/confirm", 30, plain=True)
    yield from check_text(child(confirm, "deny"), f"{where}/deny", 30, plain=True)


def is_link(value: str) -> bool:
    """True for an address a client could fetch."""
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in value
