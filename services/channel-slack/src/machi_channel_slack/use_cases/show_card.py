"""A desk has something newer to see: one message per card, changed in place."""

from dataclasses import dataclass
from datetime import datetime

from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_channel_slack.domain.cards import CardKey, CardState
from machi_channel_slack.ports import Board, SlackRefused
from machi_channel_slack.rendering.card import card_message
from machi_channel_slack.use_cases.fill_thread import fill_thread
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.one_message import room_gone, show_message
from machi_channel_slack.use_cases.share_photos import share_photos


@dataclass(frozen=True)
class CardSlip:
    """`one_message.Slip` of a card."""

    state: CardState
    board: Board

    @property
    def ts(self) -> str:
        """See the protocol."""
        return self.state.ts

    @property
    def attempted_at(self) -> datetime | None:
        """See the protocol."""
        return self.state.attempted_at

    async def attempt(self, at: datetime | None) -> None:
        """See the protocol."""
        await self.board.attempt(self.state.key, at)

    async def posted(self, channel: str, ts: str) -> None:
        """See the protocol."""
        await self.board.posted(self.state.key, channel, ts)

    async def lost(self) -> None:
        """See the protocol."""
        await self.board.lost(self.state.key)


async def show_card(key: CardKey, hall: Hall) -> None:
    """Bring message, thread, and photos up to the newest version, fetched right before it is shown."""
    state = await hall.board.find(key)
    if state is None:
        return
    desk = await hall.desks.desk(key.tenant, key.desk_id)
    channel = state.channel_id or await hall.rooms.of(desk)
    await (hall.pace.turn(channel) if state.never_tried else hall.pace.change(channel, first=state.at_once))
    card = await hall.pods.card(state, desk.language)
    if card.moved and state.never_tried:
        await hall.board.settled(key, max(card.version, state.wanted))
        return
    await hall.board.keep_forms(key, {each.action_id: each.form for each in card.actions if each.HasField("form")})
    try:
        await _show(state, card, channel, hall)
    except SlackRefused as error:
        raise await room_gone(error, CardSlip(state, hall.board), hall) from error
    await hall.board.settled(key, max(card.version, state.wanted))


async def _show(state: CardState, card: DeskCard, channel: str, hall: Hall) -> None:
    message = card_message(card, state.pod)
    ts = await show_message(CardSlip(state, hall.board), channel, message, hall, "after_card_posted")
    await fill_thread(state.key, (channel, ts), card, hall)
    await share_photos(state, (channel, ts), card, hall)
