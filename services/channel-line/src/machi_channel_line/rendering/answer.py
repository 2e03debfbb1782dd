"""A whole answer within the five messages of one call."""

from collections.abc import Callable, Sequence

from linebot.v3.messaging import (
    FlexBox,
    FlexBubble,
    FlexCarousel,
    FlexMessage,
    FlexText,
    LocationMessage,
    Message,
    TextMessage,
)

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.rendering import limits
from machi_channel_line.rendering.asks import render_ask
from machi_channel_line.rendering.flex import body, bubble, flex, weight, words
from machi_channel_line.rendering.messages import render_messages
from machi_channel_line.rendering.phrases import Phrases

LeftOut = Callable[[int], None]  # hears how many messages are left out


def render_answer(
    messages: Sequence[neutral.Message],
    ask: neutral.Ask | None,
    phrases: Phrases,
    chosen: Sequence[str],
    left_out: LeftOut,
) -> list[dict[str, object]]:
    """The bodies of at most five LINE messages; the question comes last, with its quick replies.

    Of what five do not hold the beginning is left out, and the person sees that something is missing.
    """
    said = render_messages(messages)
    asked = render_ask(ask, phrases, chosen) if ask is not None else []
    return [body(message) for message in compact([*said, *asked], left_out)]


def render_notice(messages: Sequence[neutral.Message], left_out: LeftOut) -> list[dict[str, object]]:
    """The bodies of at most five LINE messages nobody has to answer, as `render_answer` makes them."""
    return [body(message) for message in compact(render_messages(messages), left_out)]


def compact(messages: list[Message], left_out: LeftOut) -> list[Message]:
    """At most five: neighbours are joined, texts first, then cards, then texts and places as cards.

    The beginning of what does not fit even so is left out: `left_out` hears so, and an ellipsis stands in its place.
    """
    for join in (_join_texts, _join_cards, _join_as_cards, _join_on_cards):
        while len(messages) > limits.MESSAGES:
            shorter = _once(messages, join)
            if len(shorter) == len(messages):
                break
            messages = shorter
    over = len(messages) - limits.MESSAGES
    if over <= 0:
        return messages
    left_out(over)
    return [_after_ellipsis(messages[over]), *messages[over + 1 :]]


def _after_ellipsis(message: Message) -> Message:
    if isinstance(message, TextMessage):
        message.text = f"…\n{limits.ending(message.text, limits.TEXT - 2)}"
    elif isinstance(message, LocationMessage):
        message.title = limits.cut(f"… {message.title}", limits.PLACE_LINE)
    elif isinstance(message, FlexMessage):
        first = _bubbles(message)[0]
        said = first.body.contents if first.body is not None else []
        first.body = FlexBox(layout="vertical", spacing="md", contents=[FlexText(text="…"), *said])
        message.alt_text = limits.cut(f"… {message.alt_text}", limits.ALT_TEXT)
    return message


def _once(messages: list[Message], join: Callable[[Message, Message], Message | None]) -> list[Message]:
    for at in range(len(messages) - 1):
        one = join(messages[at], messages[at + 1])
        if one is not None:
            one.quick_reply = messages[at + 1].quick_reply
            return [*messages[:at], one, *messages[at + 2 :]]
    return messages


def _join_texts(first: Message, second: Message) -> Message | None:
    if not (isinstance(first, TextMessage) and isinstance(second, TextMessage)):
        return None
    text = f"{first.text}\n\n{second.text}"
    return TextMessage(text=text) if limits.size(text) <= limits.TEXT else None


def _join_cards(first: Message, second: Message) -> Message | None:
    if not (isinstance(first, FlexMessage) and isinstance(second, FlexMessage)):
        return None
    carousel = FlexCarousel(contents=[*_bubbles(first), *_bubbles(second)])
    if len(carousel.contents) > limits.BUBBLES or weight(carousel) > limits.CAROUSEL_BYTES:
        return None
    return flex(f"{first.alt_text}\n\n{second.alt_text}", carousel)


def _join_as_cards(first: Message, second: Message) -> Message | None:
    return _join_cards(_as_card(first), _as_card(second))


def _join_on_cards(first: Message, second: Message) -> Message | None:
    return _join_cards(_as_card(_as_text(first)), _as_card(_as_text(second)))


def _bubbles(message: FlexMessage) -> list[FlexBubble]:
    contents = message.contents
    return list(contents.contents) if isinstance(contents, FlexCarousel) else [contents]


def _as_card(message: Message) -> Message:
    if isinstance(message, TextMessage) and limits.size(message.text) <= limits.FLEX_WORDS:
        contents = bubble([words(message.text)])
        return flex(message.text, contents) if contents is not None else message
    return message


def _as_text(message: Message) -> Message:
    if isinstance(message, LocationMessage):
        return TextMessage(text=f"{message.title}\n{message.address}\n{message.latitude}, {message.longitude}")
    return message
