"""What a desk's channel gets next, and what becomes of a try."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from machi_channel_slack.domain.cards import CardKey, CardState, Lane
from machi_channel_slack.domain.digests import DigestKey, DigestState
from machi_channel_slack.ports import SlackLimited, SlackRefused
from machi_channel_slack.telemetry import SHOWN
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.show_card import show_card
from machi_channel_slack.use_cases.show_digest import show_digest
from machi_sdk.clock import Clock
from machi_sdk.errors import MachiError, Missing, Unavailable
from machi_sdk.telemetry import counter, get_logger

_LONGEST_WAIT = 30.0
_TRIES_WHEN_REFUSED = 5
# While Slack wants a rest of these, what needs none of them is shown meanwhile.
_NEEDED_BY_SOME = {
    *("chat.getPermalink", "conversations.history", "conversations.replies"),
    *("files.completeUploadExternal", "files.delete", "files.getUploadURLExternal"),
}

log = get_logger()


class Job(Protocol):
    """Something to show."""

    @property
    def key(self) -> CardKey | DigestKey:
        """No two workers do the same."""
        ...

    @property
    def desk_id(self) -> str:
        """Whose channel."""
        ...

    @property
    def tries(self) -> int:
        """How often it was tried in vain."""
        ...

    @property
    def seen(self) -> bool:
        """Whether the channel shows it in some version: what nobody has seen is tried on, whatever Slack says."""
        ...

    @property
    def trace(self) -> Mapping[str, str]:
        """What it belongs to."""
        ...

    async def show(self) -> None:
        """Do it."""
        ...

    async def put_off(self, due_at: datetime, trouble: str) -> None:
        """Count a try."""
        ...

    async def retry_at(self, due_at: datetime, trouble: str) -> None:
        """The try ended."""
        ...

    async def give_up(self) -> None:
        """Nothing more is done, until there is something newer."""
        ...


@dataclass(frozen=True)
class CardJob:
    """A card to show."""

    state: CardState
    hall: Hall

    @property
    def key(self) -> CardKey:
        """See the protocol."""
        return self.state.key

    @property
    def desk_id(self) -> str:
        """See the protocol."""
        return self.state.key.desk_id

    @property
    def tries(self) -> int:
        """See the protocol."""
        return self.state.tries

    @property
    def seen(self) -> bool:
        """See the protocol; a card of a list was shown by it."""
        return bool(self.state.shown or self.state.ts)

    @property
    def trace(self) -> Mapping[str, str]:
        """See the protocol."""
        return self.state.trace

    async def show(self) -> None:
        """See the protocol."""
        await show_card(self.state.key, self.hall)

    async def put_off(self, due_at: datetime, trouble: str) -> None:
        """See the protocol."""
        await self.hall.board.put_off(self.state.key, due_at, trouble)

    async def retry_at(self, due_at: datetime, trouble: str) -> None:
        """See the protocol."""
        await self.hall.board.retry_at(self.state.key, due_at, trouble)

    async def give_up(self) -> None:
        """See the protocol."""
        await self.hall.board.settled(self.state.key, self.state.wanted)


@dataclass(frozen=True)
class DigestJob:
    """A list of cards to show."""

    state: DigestState
    hall: Hall

    @property
    def key(self) -> DigestKey:
        """See the protocol."""
        return self.state.key

    @property
    def desk_id(self) -> str:
        """See the protocol."""
        return self.state.desk_id

    @property
    def tries(self) -> int:
        """See the protocol."""
        return self.state.tries

    @property
    def seen(self) -> bool:
        """See the protocol."""
        return bool(self.state.shown)

    @property
    def trace(self) -> Mapping[str, str]:
        """Many traces meet here, so none."""
        return {}

    async def show(self) -> None:
        """See the protocol."""
        await show_digest(self.state, self.hall)

    async def put_off(self, due_at: datetime, trouble: str) -> None:
        """See the protocol."""
        await self.hall.digests.put_off(self.state.key, due_at, trouble)

    async def retry_at(self, due_at: datetime, trouble: str) -> None:
        """See the protocol."""
        await self.hall.digests.retry_at(self.state.key, due_at, trouble)

    async def give_up(self) -> None:
        """A list that nobody has seen is never given up: nothing else names its cards."""
        if self.seen:
            await self.hall.digests.settled(self.state.key, self.state.wanted)


async def next_job(
    lane: Lane, tenant: str, desk_id: str, hall: Hall, doing: Collection[CardKey | DigestKey] = ()
) -> Job | None:
    """What a desk's channel gets next in a lane, cards that are being done passed over; None when nothing is due."""
    now = hall.clock.now()
    busy = [key.card_id for key in doing if isinstance(key, CardKey) and (key.tenant, key.desk_id) == (tenant, desk_id)]
    if lane.at_once:
        return _job(await hall.board.next_at_once(tenant, desk_id, now, busy, new=lane.new), hall)
    if lane.new:
        in_flood = await hall.digests.is_flood(tenant, desk_id, now)
        digest = await hall.digests.next_new(tenant, desk_id, now)
        return _job(digest or await hall.board.next_new(tenant, desk_id, now, busy, in_flood=in_flood), hall)
    card = await hall.board.next_changed(tenant, desk_id, now, busy)
    return _job(card or await hall.digests.next_changed(tenant, desk_id, now), hall)


def _job(state: CardState | DigestState | None, hall: Hall) -> Job | None:
    if state is None:
        return None
    return CardJob(state, hall) if isinstance(state, CardState) else DigestJob(state, hall)


async def show_or_put_off(job: Job, clock: Clock) -> None:
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


async def _refused(job: Job, error: MachiError, clock: Clock) -> None:
    mendable = isinstance(error, SlackRefused) and error.mendable
    last = isinstance(error, Missing) or (job.seen and job.tries >= _TRIES_WHEN_REFUSED and not mendable)
    log.error("card refused", reason=error.slug, desk=job.desk_id, tries=job.tries, given_up=last)
    counter(SHOWN).labels("given-up" if last else "put-off").inc()
    if last:
        await job.give_up()
    await job.retry_at(_later(job, clock), error.slug)


def _later(job: Job, clock: Clock) -> datetime:
    return clock.now() + timedelta(seconds=min(0.5 * 2 ** min(job.tries, 6), _LONGEST_WAIT))
