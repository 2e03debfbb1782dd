"""A pod's answer to an officer, as one message."""

from collections.abc import Iterable, Iterator

from machi.dialogue.v1.messages_pb2 import Fact, InfoCard, Message
from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.rendering import limits, rich
from machi_channel_slack.rendering.plain import is_web
from machi_sdk.messages import unsaid_address


def answer_message(messages: Iterable[Message]) -> SlackMessage | None:
    """All messages as plain words in one, links to the web as links; None when there is nothing to say."""
    listed = list(messages)
    said = words_message("\n\n".join(filter(None, map(message_words, listed))))
    if said is None or not any(is_web(message.link.uri) for message in listed):
        return said
    blocks = (rich.lines(_parts(message)).to_dict() for message in listed[: limits.PIECES])
    return SlackMessage(said.text, tuple(blocks))


def words_message(words: str) -> SlackMessage | None:
    """Plain words; None when there are none."""
    if not words.strip():
        return None
    found = limits.pieces(limits.cut(words, limits.WORDS))
    blocks = tuple(rich.lines([rich.said(piece)]).to_dict() for piece in found)
    return SlackMessage(limits.notice(words), blocks)


def message_words(message: Message) -> str:
    """All words of a message."""
    return "\n".join(message_lines(message))


def message_lines(message: Message) -> list[str]:
    """The words of a message line by line, at least one."""
    return list(filter(None, _lines(message))) or ["…"]


def _parts(message: Message) -> Iterator[rich.Part]:
    if not is_web(message.link.uri):
        yield rich.said(limits.cut(message_words(message), limits.PIECE))
        return
    if message.link.text:
        yield rich.said(f"{message.link.text}\n")
    yield rich.web(message.link.label, message.link.uri)


def _lines(message: Message) -> Iterator[str]:
    match message.WhichOneof("kind"):
        case "text":
            yield message.text.text
        case "card":
            yield from _card(message.card)
        case "carousel":
            for card in message.carousel.cards:
                yield from _card(card)
        case "map_pin":
            pin = message.map_pin
            yield from (pin.title, pin.address, f"{pin.latitude}, {pin.longitude}")
        case "receipt":
            receipt = message.receipt
            yield from (receipt.title, f"{receipt.label} {receipt.number}", *_facts(receipt.facts), receipt.note)
        case "link":
            address = unsaid_address(message.link)
            yield from (message.link.text, f"{message.link.label} {address}".strip() if address else "")


def _card(card: InfoCard) -> Iterator[str]:
    yield from (card.title, card.body, *_facts(card.facts))


def _facts(facts: Iterable[Fact]) -> Iterator[str]:
    return (f"{fact.label}: {fact.value}" for fact in facts)
