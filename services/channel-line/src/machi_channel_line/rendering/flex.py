"""Cards as Flex bubbles: plain words, wrapped, and buttons below."""

from collections.abc import Sequence
from typing import Any

import orjson
from linebot.v3.messaging import (
    Action,
    FlexBox,
    FlexBubble,
    FlexCarousel,
    FlexMessage,
    FlexSeparator,
    FlexText,
)
from pydantic.v1 import BaseModel

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.rendering import limits
from machi_channel_line.rendering.actions import button_action
from machi_channel_line.rendering.models import flex_box, flex_button, flex_text

QUIET = "#5B6770"


def words(text: str, *, weight: str = "regular", size: str = "md", colour: str | None = None) -> FlexText | None:
    """A wrapped line of text; nothing for an empty one."""
    if not text.strip():
        return None
    return flex_text(text=text, wrap=True, weight=weight, size=size, color=colour)


def fact_line(fact: neutral.Fact) -> FlexBox | FlexText | None:
    """Label left, value right; a lone half stands alone."""
    label, value = words(fact.label, size="sm", colour=QUIET), words(fact.value, size="sm")
    if label is None or value is None:
        return label or value
    label.flex, value.flex = 2, 5
    return flex_box(layout="horizontal", spacing="md", contents=[label, value])


def buttons_box(actions: Sequence[Action | None], first_style: str = "secondary") -> FlexBox | None:
    """Buttons one below the other, or nothing."""
    styles = [first_style] + ["secondary"] * len(actions)
    found = [
        flex_button(action=action, style=style, height="sm", adjust_mode="shrink-to-fit")
        for action, style in zip(actions, styles, strict=False)
        if action is not None
    ]
    return flex_box(layout="vertical", spacing="sm", contents=found) if found else None


def bubble(
    parts: Sequence[FlexBox | FlexText | FlexSeparator | None], footer: FlexBox | None = None
) -> FlexBubble | None:
    """A bubble of what is there; None when nothing is."""
    found = [part for part in parts if part is not None]
    body = flex_box(layout="vertical", spacing="md", contents=found) if found else None
    return FlexBubble(body=body, footer=footer) if body is not None or footer is not None else None


def card_bubble(card: neutral.InfoCard) -> FlexBubble | None:
    """Title, body, facts, and at most eight buttons."""
    parts = [words(card.title, weight="bold", size="lg"), words(card.body), *map(fact_line, card.facts)]
    return bubble(parts, buttons_box([button_action(button) for button in card.buttons[: limits.LIST_BUTTONS]]))


def card_text(card: neutral.InfoCard) -> str:
    """All words of a card as plain text."""
    return joined([card.title, card.body, *map(fact_text, card.facts)])


def receipt_bubble(receipt: neutral.Receipt) -> FlexBubble | None:
    """The number right after its label, in one piece of text."""
    parts = [
        words(receipt.title, weight="bold"),
        words(number_line(receipt), weight="bold", size="xl"),
        *map(fact_line, receipt.facts),
        words(receipt.note, size="sm", colour=QUIET),
    ]
    return bubble(parts, buttons_box([button_action(button) for button in receipt.buttons[: limits.LIST_BUTTONS]]))


def receipt_text(receipt: neutral.Receipt) -> str:
    """A receipt as plain text; the number comes early enough for every notification."""
    return joined([receipt.title, number_line(receipt), *map(fact_text, receipt.facts), receipt.note])


def number_line(receipt: neutral.Receipt) -> str:
    """Label and number as people read and copy them."""
    return f"{receipt.label} {receipt.number}".strip()


def fact_text(fact: neutral.Fact) -> str:
    """`label: value`, or the half that is there."""
    return ": ".join(half for half in (fact.label, fact.value) if half)


def joined(lines: Sequence[str]) -> str:
    """The lines that say something, one below the other."""
    return "\n".join(line for line in lines if line.strip())


def flex(alt_text: str, contents: FlexBubble | FlexCarousel) -> FlexMessage:
    """A Flex message whose notification text says the essential."""
    return FlexMessage(alt_text=limits.cut(alt_text.strip() or "…", limits.ALT_TEXT), contents=contents)


def weight(contents: FlexBubble | FlexCarousel) -> int:
    """Bytes on the wire."""
    return len(orjson.dumps(body(contents)))


def body(model: BaseModel) -> dict[str, object]:
    """What goes over the wire: what the model's own `to_dict` says, at a fifth of its cost."""
    fields = model.__fields__.items()
    return {field.alias: _plain(value) for name, field in fields if (value := getattr(model, name)) is not None}


def _plain(value: Any) -> object:  # noqa: ANN401 (whatever a model holds)
    if isinstance(value, str | int | float):
        return value
    return [_plain(each) for each in value] if isinstance(value, list) else body(value)


def most_weight(source: neutral.InfoCard | neutral.Receipt) -> int:
    """Bytes on the wire that its bubble has at most: an escaped character takes six, a label is said twice."""
    return 12 * source.ByteSize() + 350 * len(source.facts) + 700 * limits.LIST_BUTTONS
