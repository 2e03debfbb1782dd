"""A desk's card as one Slack message."""

from collections.abc import Iterator, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    InteractiveElement,
    MarkdownTextObject,
    Option,
    OverflowMenuElement,
    SectionBlock,
)

from machi.dialogue.v1.desk_card_pb2 import ACTION_STYLE_DANGER, ACTION_STYLE_PRIMARY, CardAction, DeskCard
from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.domain.press import MORE, CardRef, encode
from machi_channel_slack.rendering import limits, rich
from machi_channel_slack.rendering.plain import ago, is_web, plain

CARD_MARK = "machi_card"
_STYLES = {ACTION_STYLE_PRIMARY: "primary", ACTION_STYLE_DANGER: "danger"}


def card_message(card: DeskCard, pod: str) -> SlackMessage:
    """The whole card, or one line when the desk no longer holds it."""
    number = f"{card.number_label} {card.number}".strip()
    ref = CardRef(pod, card.card_id, card.desk_id, card.version)
    payload = {"card_id": card.card_id, "desk_id": card.desk_id}
    mark = Mark(CARD_MARK, payload, card.number)
    if card.moved:
        line = f"{number} · {card.status or card.title}"
        return SlackMessage(limits.notice(line), _dumped([rich.lines([rich.said(line)])]), mark)
    text = f"{number} · {card.title}" + (f"\n{card.words}" if card.words else "")
    return SlackMessage(limits.notice(text), _dumped(_blocks(card, number, ref)), mark)


def _blocks(card: DeskCard, number: str, ref: CardRef) -> Iterator[Block]:
    if card.title:
        yield HeaderBlock(text=plain(card.title, limits.HEADER))
    status = [plain(card.status, limits.CONTEXT)] if card.status else None
    yield SectionBlock(text=plain(number or card.card_id, limits.SECTION), fields=status)
    if card.opened_ago:
        yield ContextBlock(elements=[MarkdownTextObject(text=ago(card.opened_at.seconds, card.opened_ago))])
    facts = list(_facts(card))
    if facts:
        yield rich.lines(facts)
    if card.words:
        yield from rich.quoted(card.words_label, card.words)
    elements = list(_elements(card.actions, ref))
    if elements:
        yield ActionsBlock(elements=elements)
    if card.note:
        yield ContextBlock(elements=[plain(card.note, limits.CONTEXT)])


def _facts(card: DeskCard) -> Iterator[rich.Part]:
    for at, fact in enumerate(card.facts):
        yield rich.bold(f"{fact.label}: " if not at else f"\n{fact.label}: ")
        yield rich.said(limits.cut(fact.value, limits.FACT))
    if card.HasField("map_link") and is_web(card.map_link.uri):
        if card.facts:
            yield rich.said("\n")
        yield rich.web(card.map_link.label, card.map_link.uri)


def _elements(actions: Sequence[CardAction], ref: CardRef) -> Iterator[InteractiveElement]:
    """A button each, and a menu for what the desk does less often."""
    options = [_option(action, ref) for action in actions if action.secondary][: limits.MENU]
    in_menu = {option.value for option in options if limits.size(option.value) <= limits.OPTION_VALUE}
    buttons = [action for action in actions if encode(ref, action.action_id) not in in_menu]
    yield from (_button(action, ref) for action in buttons[: limits.BUTTONS - 1])
    if in_menu:
        yield OverflowMenuElement(action_id=MORE, options=[each for each in options if each.value in in_menu])


def _option(action: CardAction, ref: CardRef) -> Option:
    label = plain(action.label or action.action_id, limits.OPTION)
    return Option(text=label, value=encode(ref, action.action_id))


def _button(action: CardAction, ref: CardRef) -> ButtonElement:
    return ButtonElement(
        text=plain(action.label or action.action_id, limits.BUTTON_LABEL),
        action_id=action.action_id,
        value=encode(ref, action.action_id),
        style=_STYLES.get(action.style),
    )


def _dumped(blocks: Iterator[Block] | Sequence[Block]) -> tuple[dict[str, object], ...]:
    return tuple(block.to_dict() for block in blocks)
