"""What happens to a batch of records: effect and inbox in one transaction, or a verdict why not."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, groupby
from typing import Generic, TypeVar

from machi_sdk.envelope import Received, decode
from machi_sdk.errors import Invalid, MachiError, Unavailable
from machi_sdk.inbox import Inbox
from machi_sdk.parking import FOREIGN, Parking, Place, RawRecord
from machi_sdk.telemetry import counter, gauge, get_logger, histogram, joint_span, remote_span
from machi_sdk.work import Work, Works

W = TypeVar("W", bound=Work)
T = TypeVar("T")
Handler = Callable[[Sequence[Received], W], Awaitable[None]]
Prepare = Callable[[Received], Awaitable[Handler[W]]]

ONE_BY_ONE_AFTER = 3
PARK_AFTER = 6

log = get_logger()


class Verdict(Enum):
    """A batch's end: its offset may move, it must come again, or it must be begun while no other is under way."""

    ACK = "ack"
    RETRY = "retry"
    ALONE = "alone"


@dataclass(frozen=True)
class Subscription(Generic[W]):
    """What is read, by whom, and how: at most `batch` records share one transaction."""

    topic: str
    group: str
    works: Works[W]
    handler: Handler[W] | None = None
    prepare: Prepare[W] | None = None
    batch: int = 1


def prepared(
    prepare: Callable[[Received], Awaitable[T]], handler: Callable[[Received, T, W], Awaitable[None]]
) -> Prepare[W]:
    """A handler whose rpc happens in `prepare`, before the transaction opens."""

    async def bound(record: Received) -> Handler[W]:
        value = await prepare(record)

        async def handle(records: Sequence[Received], work: W) -> None:
            for each in records:
                await handler(each, value, work)

        return handle

    return bound


class Handling(Generic[W]):
    """Runs one subscription's handler over records, whatever delivered them."""

    def __init__(self, subscription: Subscription[W], tenants: frozenset[str]) -> None:
        self._subscription = subscription
        self._tenants = tenants
        self._inbox = Inbox(subscription.group)
        self._parking = Parking(subscription.group)
        self._counted: dict[tuple[str, int], int] = {}

    async def process(self, records: Sequence[RawRecord], *, beside_others: bool = False) -> Verdict:
        """Handle a batch of one partition. Unavailable asks for a retry without counting against the records.

        `beside_others` says that batches of other partitions are under way: one that was begun often and never ended
        is not begun then, for when the process dies all of them look as if they had killed it.
        """
        first = records[0].place
        try:
            tries = await self._count(records, ONE_BY_ONE_AFTER if beside_others else PARK_AFTER)
        except Unavailable:
            return Verdict.RETRY
        if beside_others and tries > ONE_BY_ONE_AFTER:
            return Verdict.ALONE
        try:
            with histogram("machi_handler_seconds").labels(self._subscription.group).time():
                await self._attempt(records, tries)
        except Unavailable as error:
            log.warning("batch put off", consumer=self._subscription.group, reason=error.slug)
            await self._forgive(first)
            return Verdict.RETRY
        except Exception as error:
            name = type(error).__name__
            log.exception("handler failed", consumer=self._subscription.group, error=name, tries=tries)
            return Verdict.RETRY
        return Verdict.ACK

    async def process_lot(self, batches: Sequence[Sequence[RawRecord]]) -> Verdict | None:
        """Handle a batch each of several partitions in one transaction; None when each must be handled by itself.

        Only what follows on a batch that went well: of others it must be counted how often they were begun.
        """
        firsts = [batch[0].place for batch in batches]
        group = self._subscription.group
        if self._subscription.prepare is not None or any(self._counted.get(each[:2]) != each[2] for each in firsts):
            return None
        try:
            with histogram("machi_handler_seconds").labels(group).time():
                await self._together(list(chain.from_iterable(batches)), [batch[-1] for batch in batches])
        except Unavailable as error:
            log.warning("batches put off", consumer=group, reason=error.slug)
            for first in firsts:
                del self._counted[first[:2]]  # whoever has to wait for something waits alone from here
                await self._forgive(first)
            return Verdict.RETRY
        except Exception as error:  # noqa: BLE001 (each of them by itself will say what is wrong)
            log.info("batches taken apart", consumer=group, error=type(error).__name__)
            return None
        return Verdict.ACK

    async def _count(self, records: Sequence[RawRecord], most: int) -> int:
        """Tries so far, this one included; usually the commit of the batch before has stored it."""
        first = records[0].place
        if self._counted.pop(first[:2], None) == first[2]:
            return 1
        async with self._subscription.works.begin("") as work:
            return await self._inbox.count_try(work, records, most)

    async def replay_parked(self) -> None:
        """Handle what an operator asked for, or an older replica knew no tenant of; what fails stays, with its reason.

        Unavailable ends the round: the request stands, and the next round tries again.
        """
        while True:
            async with self._subscription.works.begin("") as work:
                taken = await self._parking.take_replay(work, self._tenants)
                gauge("machi_parked_total").labels(self._subscription.group).set(await self._parking.total(work))
            if taken is None:
                return
            await self._replay(*taken)

    async def forget(self) -> None:
        """Drop inbox rows older than any redelivery."""
        await self._inbox.forget(self._subscription.works, days=30)

    async def _replay(self, identifier: int, raw: RawRecord) -> None:
        try:
            record = self._decoded(raw)
            with remote_span(f"{self._subscription.group} replay", record.trace):
                await self._effect_of_replay(identifier, record)
        except Unavailable:
            raise
        except Exception as error:
            reason = error.slug if isinstance(error, MachiError) else type(error).__name__
            log.exception("replay failed", consumer=self._subscription.group, reason=reason, event_id=raw.event_id)
            async with self._subscription.works.begin("") as work:
                await self._parking.refuse_replay(work, identifier, reason)

    async def _effect_of_replay(self, identifier: int, record: Received) -> None:
        handler = await self._handler_for(record)
        async with self._subscription.works.begin(record.tenant) as work:
            if await self._parking.drop(work, identifier):
                await handler([record], work)

    async def _attempt(self, records: Sequence[RawRecord], tries: int) -> None:
        if len(records) > 1 and tries <= ONE_BY_ONE_AFTER and self._subscription.prepare is None:
            try:
                await self._together(records, records[-1:])
            except Unavailable:
                raise
            except MachiError:
                await self._one_by_one(records, tries)
            return
        await self._one_by_one(records, tries)

    async def _together(self, records: Sequence[RawRecord], lasts: Sequence[RawRecord]) -> None:
        readable: list[Received] = []
        for raw in records:
            try:
                readable.append(self._decoded(raw))
            except Invalid as error:
                await self._park(raw, error.slug)
        groups = [list(group) for _, group in groupby(readable, key=lambda record: record.tenant)]
        for group in groups:
            with joint_span(f"{self._subscription.group} process", (record.trace for record in group)):
                await self._effect(group, lasts if group is groups[-1] else ())

    async def _one_by_one(self, records: Sequence[RawRecord], tries: int) -> None:
        give_up = tries >= PARK_AFTER
        for raw in records:
            if give_up and not await self._known(raw):
                await self._park(raw, "gave-up-after-retries", records[0].place)
                give_up = False
                continue
            await self._single(raw, records[-1:] if raw is records[-1] else ())

    async def _single(self, raw: RawRecord, lasts: Sequence[RawRecord]) -> None:
        try:
            record = self._decoded(raw)
            with remote_span(f"{self._subscription.group} process", record.trace):
                await self._effect([record], lasts)
        except Unavailable:
            raise
        except MachiError as error:
            await self._park(raw, error.slug)

    async def _effect(self, records: list[Received], lasts: Sequence[RawRecord]) -> None:
        """Effect and inbox in one transaction; so are, with `lasts`, the batches' ends, the counts of the next ones."""
        handler = await self._handler_for(records[0])
        async with self._subscription.works.begin(records[0].tenant) as work:
            fresh = await self._inbox.admit(work, records)
            if fresh:
                await handler(fresh, work)
            for last in lasts if fresh else ():  # known before: a later one may have been begun, too
                self._inbox.set_tries(work, (last.topic, last.partition, last.offset + 1), 1)
        if fresh:
            self._counted.update({(last.topic, last.partition): last.offset + 1 for last in lasts})
        total = counter("machi_consumed_total")
        total.labels(self._subscription.group, "ack").inc(len(fresh))
        total.labels(self._subscription.group, "duplicate").inc(len(records) - len(fresh))

    async def _handler_for(self, record: Received) -> Handler[W]:
        if self._subscription.prepare is not None:
            return await self._subscription.prepare(record)
        assert self._subscription.handler is not None
        return self._subscription.handler

    async def _known(self, raw: RawRecord) -> bool:
        async with self._subscription.works.begin("") as work:
            return await self._inbox.knows(work, raw.event_id)

    async def _park(self, raw: RawRecord, reason: str, culprit_of: Place | None = None) -> None:
        """Park it; what made the batch at `culprit_of` be tried so often takes these tries along."""
        async with self._subscription.works.begin("") as work:
            await self._parking.park(work, raw, reason)
            if culprit_of is not None:
                self._inbox.set_tries(work, culprit_of, ONE_BY_ONE_AFTER)
        counter("machi_consumed_total").labels(self._subscription.group, "park").inc()
        log.error("record parked", consumer=self._subscription.group, reason=reason, event_id=raw.event_id)

    async def _forgive(self, first: Place) -> None:
        try:
            async with self._subscription.works.begin("") as work:
                self._inbox.set_tries(work, first, 0)
        except Unavailable:
            log.warning("tries kept", consumer=self._subscription.group)

    def _decoded(self, raw: RawRecord) -> Received:
        record = decode(raw.topic, raw.key, raw.headers, raw.payload)
        if record.tenant not in self._tenants:
            raise Invalid(FOREIGN)
        return record
