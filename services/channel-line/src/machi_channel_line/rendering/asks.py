"""Each kind of question as LINE's own means: quick replies, buttons, pickers, camera, map."""

from collections.abc import Callable, Sequence

from linebot.v3.messaging import (
    Action,
    CameraAction,
    CameraRollAction,
    DatetimePickerAction,
    FlexBubble,
    FlexCarousel,
    LocationAction,
    Message,
    MessageAction,
)

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.rendering import limits
from machi_channel_line.rendering.actions import control_press, pressed, quick_replies
from machi_channel_line.rendering.flex import bubble, buttons_box, flex, joined, weight, words
from machi_channel_line.rendering.messages import texts
from machi_channel_line.rendering.phrases import Phrases
from machi_sdk.conversation.press import ChoicePress, MomentPress, TogglePress, encode

Quick = Sequence[Action | None]


def render_ask(ask: neutral.Ask, phrases: Phrases, chosen: Sequence[str] = ()) -> list[Message]:
    """The question, answerable by buttons and by typing; the last message carries the quick replies."""
    controls = [
        pressed(control.label, control_press(ask.ask_id, control.option_id), limits.QUICK_LABEL)
        for control in ask.controls
    ]
    kind = ask.WhichOneof("kind")
    if kind == "choice":
        return _choice(ask, controls)
    if kind == "confirm":
        return _confirm(ask, controls)
    if kind == "multi_choice":
        return _several(ask, controls, phrases, chosen)
    means = _MEANS.get(kind or "")
    return _with_quick(texts(_prompt(ask)), [*(means(ask, phrases) if means else []), *controls])


def _prompt(ask: neutral.Ask) -> str:
    return ask.prompt if ask.prompt.strip() else "…"


def _with_quick(messages: list[Message], actions: Quick) -> list[Message]:
    if messages:
        messages[-1].quick_reply = quick_replies(list(actions))
    return messages


def _choice(ask: neutral.Ask, controls: Quick) -> list[Message]:
    options = ask.choice.options
    fits = len(options) <= limits.QUICK_REPLIES - len(controls)
    short = all(limits.size(option.label) <= limits.QUICK_LABEL and not option.description for option in options)
    if fits and short:
        quick = [_option(ask, option, limits.QUICK_LABEL) for option in options]
        return _with_quick(texts(_prompt(ask)), [*quick, *controls])
    return _with_quick(_listed(ask, options), controls)


def _option(ask: neutral.Ask, option: neutral.Option, most: int) -> Action | None:
    return pressed(option.label, ChoicePress(ask.ask_id, (option.option_id,)), most, shown=option.label)


def _listed(ask: neutral.Ask, options: Sequence[neutral.Option]) -> list[Message]:
    """Buttons in bubbles of eight; the prompt stands in the first where it is short, else before."""
    short = limits.size(ask.prompt) <= limits.FLEX_WORDS
    before = [] if short else texts(ask.prompt)
    groups = [options[at : at + limits.LIST_BUTTONS] for at in range(0, len(options), limits.LIST_BUTTONS)]
    bubbles = [_bubble_of(ask, group, ask.prompt if short and not at else "") for at, group in enumerate(groups)]
    alt = joined([ask.prompt, *(option.label for option in options)])
    messages = list(before)
    for at in range(0, len(bubbles), limits.BUBBLES):
        messages += _in_one(alt, [each for each in bubbles[at : at + limits.BUBBLES] if each is not None])
    return messages


def _in_one(alt: str, bubbles: list[FlexBubble]) -> list[Message]:
    carousel = FlexCarousel(contents=bubbles)
    if len(bubbles) == 1 or weight(carousel) > limits.CAROUSEL_BYTES:
        return [flex(alt, each) for each in bubbles]
    return [flex(alt, carousel)]


def _bubble_of(ask: neutral.Ask, options: Sequence[neutral.Option], prompt: str) -> FlexBubble | None:
    lines = [
        words(joined([option.label, option.description]), size="sm")
        for option in options
        if option.description or limits.size(option.label) > limits.FLEX_LABEL
    ]
    buttons = buttons_box([_option(ask, option, limits.FLEX_LABEL) for option in options])
    return bubble([words(prompt), *lines], buttons)


def _confirm(ask: neutral.Ask, controls: Quick) -> list[Message]:
    short = limits.size(ask.prompt) <= limits.FLEX_WORDS
    before = [] if short else texts(ask.prompt)
    options = [option for option in (ask.confirm.yes, ask.confirm.change, ask.confirm.no) if option.option_id]
    buttons = buttons_box([_option(ask, option, limits.FLEX_LABEL) for option in options], "primary")
    contents = bubble([words(ask.prompt) if short else None], buttons)
    labels = " / ".join(option.label for option in options)
    shown = [flex(joined([ask.prompt if short else "", labels]), contents)] if contents is not None else []
    return _with_quick([*before, *shown], controls)


def _several(ask: neutral.Ask, controls: Quick, phrases: Phrases, chosen: Sequence[str]) -> list[Message]:
    """A press adds an option; the adapter shows the question again with what is chosen until "done"."""
    options = list(ask.multi_choice.options)
    taken = [option for option in options if option.option_id in chosen]
    ids = tuple(option.option_id for option in taken)
    full = len(ids) >= (ask.multi_choice.maximum or len(options))
    room = limits.QUICK_REPLIES - len(controls) - 1
    more = [] if full else [option for option in options if option.option_id not in ids][:room]
    adding = [
        pressed(option.label, TogglePress(ask.ask_id, (*ids, option.option_id)), limits.QUICK_LABEL) for option in more
    ]
    done = pressed(phrases.done, ChoicePress(ask.ask_id, ids), limits.QUICK_LABEL)
    enough = len(ids) >= max(ask.multi_choice.minimum, 1)
    named = phrases.written.joint.join(option.label for option in taken)
    so_far = phrases.chosen.format(options=named) if taken else ""
    listed = phrases.written.listed(option.label for option in options)
    return _with_quick(texts(joined([ask.prompt, listed, so_far])), [*adding, done if enough else None, *controls])


def _photo(_ask: neutral.Ask, phrases: Phrases) -> Quick:
    return [CameraAction(label=phrases.camera), CameraRollAction(label=phrases.album)]


def _place(_ask: neutral.Ask, phrases: Phrases) -> Quick:
    return [LocationAction(label=phrases.here)]


def _date(ask: neutral.Ask, phrases: Phrases) -> Quick:
    return [_picker(ask.ask_id, phrases.date, "date", (ask.date.earliest, ask.date.latest))]


def _time(ask: neutral.Ask, phrases: Phrases) -> Quick:
    return [_picker(ask.ask_id, phrases.time, "time", (ask.time.earliest, ask.time.latest))]


def _picker(ask_id: str, label: str, mode: str, bounds: tuple[str, str]) -> DatetimePickerAction:
    least, most = bounds
    if least and most and least >= most:
        least = most = ""
    return DatetimePickerAction(
        label=label, data=encode(MomentPress(ask_id)), mode=mode, min=least or None, max=most or None
    )


def _number(ask: neutral.Ask, _phrases: Phrases) -> Quick:
    least, most = ask.number.minimum, ask.number.maximum
    if not 0 <= most - least < limits.QUICK_REPLIES - len(ask.controls):
        return []
    return [MessageAction(label=str(value), text=str(value)) for value in range(least, most + 1)]


_MEANS: dict[str, Callable[[neutral.Ask, Phrases], Quick]] = {
    "photo": _photo,
    "place": _place,
    "date": _date,
    "time": _time,
    "number": _number,
}
