"""A pod's answer to a resident, as one message of the direct conversation."""

from collections.abc import Iterable, Iterator

from slack_sdk.models.blocks import Block, ButtonElement

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.rendering import limits, rich
from machi_channel_slack.rendering.answer import message_lines, message_words
from machi_channel_slack.rendering.plain import Say, is_web, plain
from machi_channel_slack.rendering.question import button, question_blocks, rows
from machi_sdk.conversation.press import CommandPress

REPLY_MARK = "machi_reply"
_TITLED = ("card", "receipt", "map_pin")


def reply_message(
    response: wire.TurnResponse, say: Say, reply_id: str, languages: CommandPress | None = None
) -> SlackMessage | None:
    """The answer, marked as `reply_id`'s; None when there is nothing to say. A button below it opens `languages`."""
    blocks = list(_blocks(response.messages))
    words = list(filter(None, map(message_words, response.messages)))
    if response.HasField("ask"):
        blocks += question_blocks(response.ask, say)
        words.append(response.ask.prompt)
    if not blocks:
        return None
    # What is cut here stands in the text, which a screen reader and a phone's notification read out.
    below = list(rows([button(say("button.language"), "languages", languages)], "languages")) if languages else []
    shown = tuple(block.to_dict() for block in (*blocks[: limits.BLOCKS - len(below)], *below))
    return SlackMessage(limits.notice("\n\n".join(words)), shown, Mark(REPLY_MARK, {"id": reply_id}, ""))


def notice_message(messages: Iterable[neutral.Message], reply_id: str) -> SlackMessage | None:
    """Messages nobody asked for."""
    return reply_message(wire.TurnResponse(messages=messages), _nothing, reply_id)


def _nothing(_key: str, /, **_places: str | int) -> str:
    return ""


def _blocks(messages: Iterable[neutral.Message]) -> Iterator[Block]:
    for at, message in enumerate(messages):
        cards = message.carousel.cards if message.HasField("carousel") else [None]
        for number, card in enumerate(cards):
            yield from _block(neutral.Message(card=card) if card is not None else message, f"{at}:{number}")


def _block(message: neutral.Message, place: str) -> Iterator[Block]:
    first, *rest = message_lines(message)
    titled = message.WhichOneof("kind") in _TITLED
    head = [rich.bold(first) if titled else rich.said(piece) for piece in limits.pieces(first)]
    parts = [*head, *(rich.said(piece) for line in rest for piece in limits.pieces(f"\n{line}"))]
    yield rich.lines(parts)
    yield from rows([_button(each, f"{place}:{at}") for at, each in enumerate(_buttons(message))], f"buttons:{place}")


def _buttons(message: neutral.Message) -> Iterable[neutral.Button]:
    match message.WhichOneof("kind"):
        case "card":
            return message.card.buttons
        case "receipt":
            return message.receipt.buttons
    return ()


def _button(shown: neutral.Button, place: str) -> ButtonElement | None:
    if shown.HasField("command"):
        command = shown.command
        press = CommandPress(command.pod, command.command, dict(command.arguments))
        return button(shown.label, f"open:{command.command}:{place}", press)
    if not is_web(shown.uri):
        return None
    return ButtonElement(text=plain(shown.label, limits.BUTTON_LABEL), action_id=f"link:{place}", url=shown.uri)
