"""Each kind of channel-neutral message as LINE messages."""

from collections.abc import Iterable

from linebot.v3.messaging import FlexBubble, FlexCarousel, LocationMessage, Message, TextMessage

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.rendering import limits
from machi_channel_line.rendering.actions import button_action, web
from machi_channel_line.rendering.flex import (
    bubble,
    buttons_box,
    card_bubble,
    card_text,
    flex,
    joined,
    most_weight,
    receipt_bubble,
    receipt_text,
    weight,
    words,
)
from machi_sdk.messages import unsaid_address


def render_messages(messages: Iterable[neutral.Message]) -> list[Message]:
    """LINE messages in order; those without any words vanish."""
    return [rendered for message in messages for rendered in _render(message)]


def texts(text: str) -> list[Message]:
    """Plain text, whole, in as many messages as it needs."""
    return [TextMessage(text=piece) for piece in limits.split(text) if piece.strip()]


def _render(message: neutral.Message) -> list[Message]:
    match message.WhichOneof("kind"):
        case "text":
            return texts(message.text.text)
        case "card":
            return _card(message.card)
        case "carousel":
            return _carousel(message.carousel)
        case "map_pin":
            return [_pin(message.map_pin)]
        case "receipt":
            return _receipt(message.receipt)
    return _link(message.link) if message.HasField("link") else []


def _receipt(receipt: neutral.Receipt) -> list[Message]:
    return _fitting(receipt, receipt_text(receipt), receipt_bubble(receipt))


def _card(card: neutral.InfoCard) -> list[Message]:
    return _fitting(card, card_text(card), card_bubble(card))


def _fitting(source: neutral.InfoCard | neutral.Receipt, text: str, contents: FlexBubble | None) -> list[Message]:
    """The bubble; or, beyond what LINE takes, its words as text and its buttons below."""
    if contents is None:
        return []
    light = most_weight(source) <= limits.BUBBLE_BYTES or weight(contents) <= limits.BUBBLE_BYTES
    if light and limits.size(text) <= limits.FLEX_WORDS:
        return [flex(text, contents)]
    below = bubble([], buttons_box([button_action(button) for button in source.buttons[: limits.LIST_BUTTONS]]))
    labels = joined([button.label for button in source.buttons])
    return [*texts(text), *([flex(labels, below)] if below is not None else [])]


def _carousel(carousel: neutral.Carousel) -> list[Message]:
    cards = [card for card in carousel.cards if card_bubble(card) is not None]
    contents = FlexCarousel(contents=[card_bubble(card) for card in cards[: limits.BUBBLES]])
    long = any(limits.size(card_text(card)) > limits.FLEX_WORDS for card in cards)
    if long or len(cards) <= 1 or weight(contents) > limits.CAROUSEL_BYTES:
        return [message for card in cards for message in _card(card)]
    return [flex("\n\n".join(map(card_text, cards)), contents)]


def _pin(pin: neutral.MapPin) -> LocationMessage:
    place = f"{pin.latitude:.5f}, {pin.longitude:.5f}"
    address = pin.address.strip() or place
    return LocationMessage(
        title=limits.cut(pin.title.strip() or address, limits.PLACE_LINE),
        address=limits.cut(address, limits.PLACE_LINE),
        latitude=pin.latitude,
        longitude=pin.longitude,
    )


def _link(link: neutral.Link) -> list[Message]:
    action, address = web(link.label, link.uri), unsaid_address(link)
    if action is None or limits.size(link.text) > limits.FLEX_WORDS:
        return texts(joined([link.text, f"{link.label} {address}".strip() if address else ""]))
    contents = bubble([words(link.text)], buttons_box([action], "primary"))
    assert contents is not None
    return [flex(joined([link.text, address]), contents)]
