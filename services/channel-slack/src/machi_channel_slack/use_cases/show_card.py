"""A desk has something newer to see: one message per card, changed in place."""

import time
from functools import partial

from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_channel_slack.domain.cards import CardKey, CardState
from machi_channel_slack.ports import Rank, SlackRefused
from machi_channel_slack.rendering.card import card_message
from machi_channel_slack.use_cases.clear_strays import clear_strays
from machi_channel_slack.use_cases.fill_thread import fill_thread
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.one_message import Slip, room_gone, show_message, wait_turn
from machi_channel_slack.use_cases.share_photos import share_photos

# So long a card is the newest; what is announced meanwhile is due again.
_FRESH_SECONDS = 0.5


async def show_card(key: CardKey, hall: Hall) -> None:
    """Bring message, thread, and photos up to the newest version, fetched right before it is shown.

    It is asked for before its turn, too: of the workspace's few a minute a pod that does not answer takes none.
    """
    state = await hall.cards.find(key)
    if state is None:
        return
    desk = await hall.desks.desk(key.tenant, key.desk_id)
    channel = state.channel_id or await hall.rooms.of(desk)
    slip = Slip(key, state.ts, state.attempted_at, hall.cards)
    card, asked_at = await hall.pods.card(state, desk.language), time.monotonic()
    await wait_turn(slip, channel, hall, _rank(state), partial(_rank_now, state, hall))
    if time.monotonic() - asked_at > _FRESH_SECONDS:
        card = await hall.pods.card(state, desk.language)
    if card.moved and state.never_tried:
        await clear_strays(key, await hall.cards.posts(key), hall)
        await hall.cards.settled(key, max(card.version, state.wanted))
        return
    await hall.cards.keep_forms(key, {each.action_id: each.form for each in card.actions if each.HasField("form")})
    try:
        await _show(state, slip, card, channel, hall)
    except SlackRefused as error:
        raise await room_gone(error, slip, channel, desk, hall) from error
    await hall.cards.settled(key, max(card.version, state.wanted))


async def _show(state: CardState, slip: Slip[CardKey], card: DeskCard, channel: str, hall: Hall) -> None:
    message = card_message(card, state.pod)
    ts = await show_message(slip, channel, message, hall, "after_card_posted")
    posts = {} if state.never_tried and not state.shown else await hall.cards.posts(state.key)
    await clear_strays(state.key, posts, hall)
    await fill_thread(state.key, (channel, ts), card, posts, hall)
    await share_photos(state, (channel, ts), card, posts, hall)


def _rank(state: CardState) -> Rank:
    return Rank.AWAITED if state.at_once else Rank.CARD


async def _rank_now(state: CardState, hall: Hall) -> Rank:
    """Somebody may press the card while it waits."""
    return _rank(await hall.cards.find(state.key) or state)
