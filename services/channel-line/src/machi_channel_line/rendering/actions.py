"""Buttons as LINE actions."""

import re
from urllib.parse import quote, urlsplit

from linebot.v3.messaging import Action, PostbackAction, QuickReply, URIAction

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.rendering import limits
from machi_channel_line.rendering.models import postback, quick_item
from machi_sdk.conversation.press import CONTROLS, ChoicePress, CommandPress, ControlPress, Press, TooLong, encode

_URI_SAFE = "%:/?#[]@!$&'()*+,;=-._~"


def pressed(label: str, press: Press, most: int = limits.FLEX_LABEL, shown: str = "") -> PostbackAction | None:
    """A button whose press shows what was chosen; None when its meaning cannot be carried."""
    label = label.strip() or "…"
    try:
        data = encode(press)
    except TooLong:
        return None
    return postback(label=limits.cut(label, most), data=data, display_text=limits.cut(shown or label, limits.DISPLAY))


def web(label: str, uri: str, most: int = limits.FLEX_LABEL) -> URIAction | None:
    """A link or telephone number; None when LINE would not take the address."""
    address = quote(uri.strip(), safe=_URI_SAFE)
    try:
        parts = urlsplit(address)
    except ValueError:  # such as a bracket that nothing closes
        return None
    telephone = parts.scheme == "tel" and re.fullmatch(r"[+0-9*#,;-]+", parts.path) is not None
    site = parts.scheme in ("https", "http") and bool(parts.hostname)
    if not (telephone or site) or len(address) > limits.URI:
        return None
    return URIAction(label=limits.cut(label.strip() or address, most), uri=address)


def button_action(button: neutral.Button, most: int = limits.FLEX_LABEL) -> Action | None:
    """A card's button; None when it says nothing LINE can carry."""
    if button.HasField("command"):
        command = button.command
        return pressed(button.label, CommandPress(command.pod, command.command, dict(command.arguments)), most)
    return web(button.label, button.uri, most)


def control_press(ask_id: str, option_id: str) -> Press:
    """What a control of a question means."""
    return ControlPress(ask_id, option_id) if option_id in CONTROLS else ChoicePress(ask_id, (option_id,))


def quick_replies(actions: list[Action | None]) -> QuickReply | None:
    """Quick replies of these actions, or none."""
    items = [quick_item(action=action) for action in actions if action is not None]
    return QuickReply(items=items[: limits.QUICK_REPLIES]) if items else None
