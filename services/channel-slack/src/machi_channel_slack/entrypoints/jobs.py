"""What a desk's channel gets next, and what becomes of a try."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from machi_channel_slack.domain.cards import CardKey, CardState, Lane
from machi_channel_slack.domain.digests import DigestKey, DigestState
from machi_channel_slack.ports import Notes, SlackLimited, SlackRefused
from machi_channel_slack.telemetry import SHOWN
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.show_card import show_card
from machi_channel_slack.use_cases.show_digest import show_digest
from machi_sdk.clock import Clock
from machi_sdk.errors import MachiError, Missing, Unavailable
from machi_sdk.telemetry import counter, get_logger

_LONGEST_WAIT = 30.0
_TRIES_WHEN_REFUSED = 5
# If Slack limits one of these methods, cards not needing it are still shown.
_NEEDED_BY_SOME = {
    *("chat.getPermalink", "conversations.history", "conversations.replies"),
    *("files.completeUploadExternal", "files.delete", "files.getUploadURLExternal", "upload"),
}

Key = TypeVar("Key")
log = get_logger()


@dataclass(frozen=True)
class Job(Generic[Key]):
    """Something to show in a desk's channel, a card or a list; no two workers do the same `key`."""

    key: Key
    desk_id: str
    wanted: int
    tries: int
    seen: bool  # the channel shows it in some version: what nobody has seen is tried on, whatever Slack says
    trace: Mapping[str, str]
    notes: Notes[Key]
    show: Callable[[], Awaitable[None]]

    async def put_off(self, due_at: datetime, trouble: str) -> None:
        """Count a try."""
        await self.notes.put_off(self.key, due_at, trouble)

    async def retry_at(self, due_at: datetime, trouble: str) -> None:
        """The try ended."""
        await self.notes.retry_at(self.key, due_at, trouble)

    async def give_up(self) -> None:
        """Nothing more is done, until there is something newer."""
        await self.notes.settled(self.key, self.wanted)


AnyJob = Job[CardKey] | Job[DigestKey]


async def next_job(
    lane: Lane, tenant: str, desk_id: str, hall: Hall, doing: Collection[CardKey | DigestKey] = ()
) -> AnyJob | None:
    """What a desk's channel gets next in a lane, cards that are being done passed over; None when nothing is due."""
    now = hall.clock.now()
    busy = [key.card_id for key in doing if isinstance(key, CardKey) and (key.tenant, key.desk_id) == (tenant, desk_id)]
    if lane.at_once:
        return _job(await hall.cards.next_at_once(tenant, desk_id, now, busy, new=lane.new), hall)
    if lane.new:
        in_flood = await hall.digests.gather(tenant, desk_id, now)
        digest = await hall.digests.next_new(tenant, desk_id, now)
        return _job(digest or await hall.cards.next_new(tenant, desk_id, now, busy, in_flood=in_flood), hall)
    card = await hall.cards.next_changed(tenant, desk_id, now, busy)
    return _job(card or await hall.digests.next_changed(tenant, desk_id, now), hall)


def _job(state: CardState | DigestState | None, hall: Hall) -> AnyJob | None:
    match state:
        case CardState(key=key):
            seen = bool(state.shown or state.ts)  # a card of a list was shown by it
            show = partial(show_card, key, hall)
            return Job(key, key.desk_id, state.wanted, state.tries, seen, state.trace, hall.cards, show)
        case DigestState(key=list_key):
            show_list = partial(show_digest, state, hall)
            # Without a trace: many meet in a list.
            return Job(
                list_key, state.desk_id, state.wanted, state.tries, bool(state.shown), {}, hall.digests, show_list
            )
    return None


async def show_or_put_off(job: AnyJob, clock: Clock) -> None:
    """Show it, or say when it is tried again; the last word on every error but a lost database."""
    # Noted before: a try that ends in a way nobody foresaw must not come again at once.
    await job.put_off(_later(job, clock), "trying")
    try:
        await job.show()
        counter(SHOWN).labels("shown").inc()
    except SlackLimited as error:
        counter(SHOWN).labels("limited").inc()
        due_at = clock.now() + timedelta(seconds=error.after)
        if error.method not in _NEEDED_BY_SOME:
            await asyncio.sleep(error.after)
        await job.retry_at(due_at, error.slug)
    except Unavailable as error:
        log.warning("card put off", reason=error.slug, desk=job.desk_id, tries=job.tries)
        counter(SHOWN).labels("put-off").inc()
        await job.retry_at(_later(job, clock), error.slug)
    except MachiError as error:
        await _refused(job, error, clock)


async def _refused(job: AnyJob, error: MachiError, clock: Clock) -> None:
    mendable = isinstance(error, SlackRefused) and error.mendable
    last = isinstance(error, Missing) or (job.seen and job.tries >= _TRIES_WHEN_REFUSED and not mendable)
    log.error("card refused", reason=error.slug, desk=job.desk_id, tries=job.tries, given_up=last)
    counter(SHOWN).labels("given-up" if last else "put-off").inc()
    if last:
        await job.give_up()
    await job.retry_at(_later(job, clock), error.slug)


def _later(job: AnyJob, clock: Clock) -> datetime:
    return clock.now() + timedelta(seconds=min(0.5 * 2 ** min(job.tries, 6), _LONGEST_WAIT))
