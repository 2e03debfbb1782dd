"""One message, changed in place: posted once, whatever becomes of the first try."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from machi_channel_slack.domain.cards import Desk, SlackMessage
from machi_channel_slack.ports import Look, Notes, Rank, SlackLimited, SlackRefused
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.errors import Unavailable

Key = TypeVar("Key")
NO_ROOM = {"channel_not_found", "is_archived", "is_inactive", "not_in_channel"}
# Deleted, written by an app that was made anew since, or older than the workspace lets messages be changed.
NO_MESSAGE = {"cant_update_message", "edit_window_closed", "message_not_found"}


@dataclass(frozen=True)
class Slip(Generic[Key]):
    """One message: what it shows, its `ts` where that is known, and when a post began whose end is not known."""

    key: Key
    ts: str
    attempted_at: datetime | None
    notes: Notes[Key]


async def wait_turn(slip: Slip[Key], channel: str, hall: Hall, rank: Rank, anew: Look | None = None) -> None:
    """Wait until the message may be posted or changed; where a post is in doubt nobody knows which it will be."""
    if slip.ts:
        await hall.pace.change(rank, anew)
        return
    await hall.pace.turn(channel)
    if slip.attempted_at is not None:
        await hall.pace.change(Rank.AWAITED)


async def show_message(slip: Slip[Key], channel: str, message: SlackMessage, hall: Hall, place: str) -> str:
    """The ts of the message that now shows this; `place` is where a test may die between post and note."""
    return await _in_place(slip, channel, message, hall) or await _anew(slip, channel, message, hall, place)


async def room_gone(error: SlackRefused, slip: Slip[Key], channel: str, desk: Desk, hall: Hall) -> Unavailable:
    """Unavailable to raise when the desk's channel is gone or closed to us; re-raises other refusals.

    Only where the desk has another channel by now its messages are lost: we may be let into this one again.
    """
    if error.error not in NO_ROOM:
        raise error
    hall.rooms.forget(desk)
    with suppress(SlackRefused, Unavailable):
        if await hall.rooms.of(desk) != channel:
            await slip.notes.lost(slip.key)
    return Unavailable(error.slug)


async def _in_place(slip: Slip[Key], channel: str, message: SlackMessage, hall: Hall) -> str:
    """The ts of the message that now shows it; empty when there is none to change."""
    ts = slip.ts or await _found(slip, channel, message, hall)
    if not ts:
        return ""
    try:
        await hall.slack.update(channel, ts, message)
    except SlackRefused as error:
        if error.error not in NO_MESSAGE:
            raise
        await slip.notes.lost(slip.key)
        return ""
    return ts


async def _found(slip: Slip[Key], channel: str, message: SlackMessage, hall: Hall) -> str:
    """After a post whose end is not known: the message, if it is there."""
    if slip.attempted_at is None or message.mark is None:
        return ""
    ts = await hall.slack.find(channel, message.mark, slip.attempted_at)
    if ts:
        await slip.notes.posted(slip.key, channel, ts)
    return ts


async def _anew(slip: Slip[Key], channel: str, message: SlackMessage, hall: Hall, place: str) -> str:
    await slip.notes.attempt(slip.key, channel, hall.clock.now())
    try:
        ts = await hall.slack.post(channel, message)
    except (SlackRefused, SlackLimited):
        await slip.notes.unattempt(slip.key)
        raise
    hall.reach(place)
    await slip.notes.posted(slip.key, channel, ts)
    return ts
