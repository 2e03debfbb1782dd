"""A desk has something newer to see: one message per card, changed in place."""

from datetime import timedelta

from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_channel_slack.domain.cards import CardKey, CardState, SlackMessage
from machi_channel_slack.ports import SlackLimited, SlackRefused
from machi_channel_slack.rendering.card import card_message
from machi_channel_slack.use_cases.fill_thread import fill_thread
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.share_photos import share_photos
from machi_sdk.errors import Unavailable

# Slack's clock and ours may differ.
SKEW = timedelta(minutes=10)
_NO_ROOM = {"channel_not_found", "is_archived", "not_in_channel"}


async def show_card(key: CardKey, hall: Hall) -> None:
    """Bring message, thread, and photos up to the newest version, fetched right before it is shown."""
    state = await hall.board.find(key)
    if state is None:
        return
    desk = await hall.desks.desk(key.tenant, key.desk_id)
    channel = state.channel_id or await hall.rooms.of(desk)
    await hall.pace.turn(channel)
    card = await hall.pods.card(state, desk.language)
    if card.moved and state.never_tried:
        await hall.board.settled(key, max(card.version, state.wanted))
        return
    await hall.board.keep_forms(key, {each.action_id: each.form for each in card.actions if each.HasField("form")})
    try:
        await _show(state, card, channel, hall)
    except SlackRefused as error:
        if error.error not in _NO_ROOM:
            raise
        hall.rooms.forget()
        if state.ts:
            await hall.board.lost(key)
        raise Unavailable("slack-channel-gone") from error
    await hall.board.settled(key, max(card.version, state.wanted))


async def _show(state: CardState, card: DeskCard, channel: str, hall: Hall) -> None:
    message = card_message(card, state.pod)
    ts = await _in_place(state, channel, message, hall) or await _anew(state.key, channel, message, hall)
    await fill_thread(state.key, (channel, ts), card, hall)
    await share_photos(state, (channel, ts), card, hall)


async def _in_place(state: CardState, channel: str, message: SlackMessage, hall: Hall) -> str:
    """The ts of the message that now shows the card; empty when there is none to change."""
    ts = state.ts or await _found(state, channel, message, hall)
    if not ts:
        return ""
    try:
        await hall.slack.update(channel, ts, message)
    except SlackRefused as error:
        if error.error != "message_not_found":
            raise
        await hall.board.lost(state.key)
        return ""
    return ts


async def _found(state: CardState, channel: str, message: SlackMessage, hall: Hall) -> str:
    """After a post whose end is not known: the message, if it is there."""
    if state.attempted_at is None or message.mark is None:
        return ""
    ts = await hall.slack.find(channel, message.mark, state.attempted_at - SKEW)
    if ts:
        await hall.board.posted(state.key, channel, ts)
    return ts


async def _anew(key: CardKey, channel: str, message: SlackMessage, hall: Hall) -> str:
    await hall.board.attempt(key, hall.clock.now())
    try:
        ts = await hall.slack.post(channel, message)
    except (SlackRefused, SlackLimited):
        await hall.board.attempt(key, None)
        raise
    hall.reach("after_card_posted")
    await hall.board.posted(key, channel, ts)
    return ts
