"""Each kind of question by Slack's own means: buttons, a menu, boxes, pickers; what Slack has no means for is typed."""

from collections.abc import Callable, Iterator, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    CheckboxesElement,
    DatePickerElement,
    InteractiveElement,
    Option,
    StaticSelectElement,
    TimePickerElement,
)

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_slack.rendering import limits, rich
from machi_channel_slack.rendering.plain import Say, plain
from machi_sdk.conversation.press import (
    CONTROLS,
    ChoicePress,
    ControlPress,
    MomentPress,
    Press,
    TogglePress,
    TooLong,
    encode,
)


def question_blocks(ask: neutral.Ask, say: Say) -> Iterator[Block]:
    """The prompt, what answers it, and the controls; `say` gives this channel's own words by key."""
    kind = ask.WhichOneof("kind") or ""
    hint = say(f"hint.{kind}") if kind in ("place", "photo") else ""
    yield from (rich.lines([rich.said(piece)]) for piece in limits.pieces("\n".join(filter(None, (ask.prompt, hint)))))
    yield from rows(_MEANS[kind](ask, say) if kind in _MEANS else [], f"ask:{ask.ask_id}")
    yield from rows([_control(ask, control) for control in ask.controls], f"controls:{ask.ask_id}")


def button(label: str, action_id: str, press: Press, style: str | None = None) -> ButtonElement | None:
    """A button; None when its meaning cannot be carried."""
    try:
        value = encode(press)
    except TooLong:
        return None
    return ButtonElement(text=plain(label, limits.BUTTON_LABEL), action_id=action_id, value=value, style=style)


def rows(elements: Sequence[InteractiveElement | None], block_id: str) -> Iterator[Block]:
    """As many rows as the elements need."""
    found = [element for element in elements if element is not None]
    for at in range(0, len(found), limits.BUTTONS):
        yield ActionsBlock(elements=found[at : at + limits.BUTTONS], block_id=f"{block_id}:{at}")


def _control(ask: neutral.Ask, control: neutral.Option) -> ButtonElement | None:
    name = control.option_id
    return button(control.label, f"control:{name}", ControlPress(ask.ask_id, name)) if name in CONTROLS else None


def _choice(ask: neutral.Ask, say: Say) -> list[InteractiveElement | None]:
    options = ask.choice.options
    if len(options) <= limits.BUTTONS:
        return [_option(ask, option) for option in options]
    shown = [_listed(option, _carried(ask, option)) for option in options[: limits.OPTIONS]]
    place = plain(say("button.choose"), limits.PLACEHOLDER)
    return [StaticSelectElement(placeholder=place, action_id=f"choose:{ask.ask_id}", options=shown)]


def _option(ask: neutral.Ask, option: neutral.Option, style: str | None = None) -> ButtonElement | None:
    return button(option.label, f"choice:{option.option_id}", ChoicePress(ask.ask_id, (option.option_id,)), style)


def _confirm(ask: neutral.Ask, _say: Say) -> list[InteractiveElement | None]:
    options = [ask.confirm.yes, ask.confirm.change, ask.confirm.no]
    styles = ("primary", None, None)
    return [_option(ask, option, style) for option, style in zip(options, styles, strict=True) if option.option_id]


def _several(ask: neutral.Ask, say: Say) -> list[InteractiveElement | None]:
    """Boxes, and a button that sends what is ticked."""
    boxes = [_listed(option, option.option_id) for option in ask.multi_choice.options[: limits.BOXES]]
    done = button(say("button.done"), "done", TogglePress(ask.ask_id, ()), "primary")
    return [CheckboxesElement(action_id=f"several:{ask.ask_id}", options=boxes), done]


def _date(ask: neutral.Ask, _say: Say) -> list[InteractiveElement | None]:
    return [DatePickerElement(action_id=encode(MomentPress(ask.ask_id)))]


def _time(ask: neutral.Ask, _say: Say) -> list[InteractiveElement | None]:
    return [TimePickerElement(action_id=encode(MomentPress(ask.ask_id)))]


def _carried(ask: neutral.Ask, option: neutral.Option) -> str:
    return encode(ChoicePress(ask.ask_id, (option.option_id,)))


def _listed(option: neutral.Option, value: str) -> Option:
    about = plain(option.description, limits.OPTION) if option.description else None
    return Option(text=plain(option.label, limits.OPTION), value=value, description=about)


_MEANS: dict[str, Callable[[neutral.Ask, Say], list[InteractiveElement | None]]] = {
    "choice": _choice,
    "confirm": _confirm,
    "multi_choice": _several,
    "date": _date,
    "time": _time,
}
