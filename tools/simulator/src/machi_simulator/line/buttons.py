"""What a resident can press: buttons of messages, quick replies, areas of the rich menu."""

from collections.abc import Iterator
from dataclasses import dataclass

from machi_simulator.jsontree import Json, child, children, text, walk
from machi_simulator.line.model import ChatMessage, Resident
from machi_simulator.line.rules_actions import DATETIME_FORMS
from machi_simulator.line.state import LineState

ACTION_KINDS = {
    "postback",
    "message",
    "uri",
    "datetimepicker",
    "clipboard",
    "camera",
    "cameraRoll",
    "location",
    "richmenuswitch",
}


@dataclass(frozen=True)
class Button:
    """One thing to press. `ref` names it in forms and stays the same as long as its message or menu is there."""

    ref: str
    action: Json

    @property
    def label(self) -> str:
        """What it says."""
        shown = ("label", "displayText", "text", "uri", "data")
        return next((words for key in shown if (words := text(self.action, key))), text(self.action, "type"))

    @property
    def kind(self) -> str:
        """The action's type."""
        return text(self.action, "type")


def of_message(message: ChatMessage) -> list[Button]:
    """Buttons of one message, quick replies not among them, in reading order."""
    content = {key: value for key, value in message.content.items() if key != "quickReply"}
    return [Button(f"{message.id}:{at}", action) for at, action in enumerate(_actions(content))]


def quick_replies(chat: list[ChatMessage]) -> list[Button]:
    """Quick replies of the last message; they go away as soon as anything follows."""
    if not chat or chat[-1].sender != "account":
        return []
    last = chat[-1]
    items = children(child(last.content, "quickReply"), "items")
    return [Button(f"{last.id}:q{at}", child(item, "action")) for at, item in enumerate(items)]


def of_menu(state: LineState, person: Resident) -> list[Button]:
    """Areas of the rich menu the person sees."""
    menu = state.menu_of(person)
    areas = children(menu.request, "areas") if menu else []
    return [Button(f"menu:{at}", child(area, "action")) for at, area in enumerate(areas)]


def usable(state: LineState, person: Resident) -> list[Button]:
    """Everything to press now: quick replies first, then messages from the newest, then the menu."""
    chat = state.chat(person.id)
    older = [button for message in reversed(chat) if message.sender == "account" for button in of_message(message)]
    return [*quick_replies(chat), *older, *of_menu(state, person)]


def datetime_params(action: Json, value: str) -> Json | None:
    """What a date picker returns for `value`; None if the value does not fit its mode."""
    mode = text(action, "mode")
    if mode not in DATETIME_FORMS or not value:
        return None
    return {mode: value}


def _actions(content: object) -> Iterator[Json]:
    for node in walk(content):
        if text(node, "type") in ACTION_KINDS and not children(node, "contents") and "layout" not in node:
            yield node
