"""One message, changed in place: posted once, whatever becomes of the first try."""

from datetime import datetime, timedelta
from typing import Protocol

from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.ports import SlackLimited, SlackRefused
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.errors import Unavailable

# Slack's clock and ours may differ.
SKEW = timedelta(minutes=10)
_NO_ROOM = {"channel_not_found", "is_archived", "not_in_channel"}


class Slip(Protocol):
    """What is written down about a message; durable when a call returns."""

    @property
    def ts(self) -> str:
        """The message, where it is known."""
        ...

    @property
    def attempted_at(self) -> datetime | None:
        """When a post began whose end is not known."""
        ...

    async def attempt(self, at: datetime | None) -> None:
        """A first post is about to be made, or (None) was refused for certain."""
        ...

    async def posted(self, channel: str, ts: str) -> None:
        """The message is known."""
        ...

    async def lost(self) -> None:
        """The message is gone."""
        ...


async def show_message(slip: Slip, channel: str, message: SlackMessage, hall: Hall, place: str) -> str:
    """The ts of the message that now shows this; `place` is where a test may die between post and note."""
    return await _in_place(slip, channel, message, hall) or await _anew(slip, channel, message, hall, place)


async def room_gone(error: SlackRefused, slip: Slip, hall: Hall) -> Unavailable:
    """What a refusal means when the channel is not there for us; the refusal itself when it is."""
    if error.error not in _NO_ROOM:
        raise error
    hall.rooms.forget()
    if slip.ts:
        await slip.lost()
    return Unavailable(error.slug)


async def _in_place(slip: Slip, channel: str, message: SlackMessage, hall: Hall) -> str:
    """The ts of the message that now shows it; empty when there is none to change."""
    ts = slip.ts or await _found(slip, channel, message, hall)
    if not ts:
        return ""
    try:
        await hall.slack.update(channel, ts, message)
    except SlackRefused as error:
        if error.error != "message_not_found":
            raise
        await slip.lost()
        return ""
    return ts


async def _found(slip: Slip, channel: str, message: SlackMessage, hall: Hall) -> str:
    """After a post whose end is not known: the message, if it is there."""
    if slip.attempted_at is None or message.mark is None:
        return ""
    ts = await hall.slack.find(channel, message.mark, slip.attempted_at - SKEW)
    if ts:
        await slip.posted(channel, ts)
    return ts


async def _anew(slip: Slip, channel: str, message: SlackMessage, hall: Hall, place: str) -> str:
    await slip.attempt(hall.clock.now())
    try:
        ts = await hall.slack.post(channel, message)
    except (SlackRefused, SlackLimited):
        await slip.attempt(None)
        raise
    hall.reach(place)
    await slip.posted(channel, ts)
    return ts
