"""Consuming: one group member polls, hands batches on, and moves the offset only after their effect."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from machi_sdk.errors import Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.handling import Handling, Subscription, Verdict
from machi_sdk.kafka_client import kafka_options, stop
from machi_sdk.parking import RawRecord
from machi_sdk.settings import Settings
from machi_sdk.telemetry import counter, gauge, get_logger
from machi_sdk.waking import woken
from machi_sdk.work import Work

W = TypeVar("W", bound=Work)
Batch: TypeAlias = tuple[TopicPartition, list[ConsumerRecord]]

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_POLL_MS = 500
_STALE_AFTER = 15.0
_UPKEEP_EVERY = 1.0
_FORGET_EVERY = 3600.0

log = get_logger()


class Consumer(Generic[W]):
    """One consumer group member for one subscription."""

    def __init__(self, subscription: Subscription[W], settings: Settings, faultpoints: Faultpoints) -> None:
        self._subscription = subscription
        self._settings = settings
        self._faultpoints = faultpoints
        self._handling = Handling(subscription, settings.tenants)
        self._resume_at: dict[TopicPartition, float] = {}
        self._waits: dict[TopicPartition, float] = {}
        self._next: dict[TopicPartition, int] = {}
        self._unread_since: dict[TopicPartition, float] = {}
        self._last_poll = 0.0
        self._stopping = asyncio.Event()
        # Asked for when it is told: a handler that hangs lets no poll end.
        gauge("machi_consumer_unread_seconds").labels(self.group).set_function(self.unread_seconds)

    @property
    def group(self) -> str:
        """The consumer group's name."""
        return self._subscription.group

    def trouble(self) -> str | None:
        """Why the consumer is not healthy, or None."""
        if not self._last_poll:
            return f"{self.group} has not joined its group yet"
        silent = asyncio.get_running_loop().time() - self._last_poll
        return f"{self.group} has not polled for {silent:.0f} s" if silent > _STALE_AFTER else None

    def unread_seconds(self) -> float:
        """Age of the oldest record that was fetched and not handled yet; 0 when there is none."""
        return max(0.0, time.time() - min(self._unread_since.values(), default=math.inf))

    async def run(self) -> None:
        """Poll until stopped; a lost broker is waited for."""
        while not self._stopping.is_set():
            try:
                await self._session()
            except (KafkaError, OSError) as error:
                log.warning("consumer paused", consumer=self.group, error=type(error).__name__)
                await woken(self._stopping, 1.0)

    async def upkeep(self) -> None:
        """Replay what operators asked for, and forget what is too old to come again."""
        next_forget = 0.0
        while not self._stopping.is_set():
            try:
                await self._handling.replay_parked()
                now = asyncio.get_running_loop().time()
                if now >= next_forget:
                    next_forget = now + _FORGET_EVERY
                    await self._handling.forget()
            except Unavailable:
                log.warning("upkeep paused", consumer=self.group)
            await woken(self._stopping, _UPKEEP_EVERY)

    def stop(self) -> None:
        """Let the present batch finish, then leave the group."""
        self._stopping.set()

    async def _session(self) -> None:
        kafka = AIOKafkaConsumer(
            self._subscription.topic,
            **kafka_options(self._settings),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=30_000,
            request_timeout_ms=15_000,
        )
        try:
            await kafka.start()  # returns with an assignment, perhaps an empty one
            self._last_poll = asyncio.get_running_loop().time()
            while not self._stopping.is_set():
                await self._poll(kafka)
        finally:
            await stop(kafka)

    async def _poll(self, kafka: AIOKafkaConsumer) -> None:
        self._resume(kafka)
        limit = self._subscription.batch * 8
        batches = await kafka.getmany(timeout_ms=self._patience(), max_records=limit)
        self._last_poll = asyncio.get_running_loop().time()
        lots = _lots(batches, self._subscription.batch)
        handled = await asyncio.gather(*(self._as_one(kafka, lot) for lot in lots))
        left = [batch for lot, done in zip(lots, handled, strict=True) if not done for batch in lot]
        running = [asyncio.create_task(self._partition(kafka, *batch, beside_others=True)) for batch in left]
        alone: list[Batch] = []
        # Every partition ends its batch before a failure of one closes the session for all.
        for (where, _), ended in zip(left, await asyncio.gather(*running, return_exceptions=True), strict=True):
            if isinstance(ended, BaseException):
                raise ended
            alone += [(where, ended)] if ended else []
        for batch in alone:
            await self._partition(kafka, *batch, beside_others=False)
        await self._move_on(kafka, {where: records[0].offset for where, records in batches.items()})
        await self._let_go(kafka, batches)
        gauge("machi_consumer_lag").labels(self.group).set(self._lag(kafka))

    async def _move_on(self, kafka: AIOKafkaConsumer, before: Mapping[TopicPartition, int]) -> None:
        """Move the offsets of what had its effect, of all partitions at once."""
        ours = kafka.assignment()
        moved = {where: self._next[where] for where in before if where in ours and self._next[where] > before[where]}
        if not moved:
            return
        try:
            await kafka.commit(moved)
        except (CommitFailedError, IllegalStateError):
            # A partition moved: whoever has it now reads from the last commit, and the inbox knows what was done.
            log.info("partition moved", consumer=self.group)

    async def _let_go(self, kafka: AIOKafkaConsumer, batches: Mapping[TopicPartition, object]) -> None:
        """Wait no longer for what is not ours, and for what was put off and is gone: deleted, or done elsewhere."""
        for gone in self._unread_since.keys() - kafka.assignment():
            del self._unread_since[gone]
        for where in self._unread_since.keys() - batches.keys() - kafka.paused():
            position = await _position(kafka, where)
            if position > self._next[where]:
                self._next[where] = position
                self._waits.pop(where, None)
                del self._unread_since[where]

    def _patience(self) -> int:
        """How many milliseconds to wait for records: not beyond the next partition's rest."""
        now = asyncio.get_running_loop().time()
        rests = [int((until - now) * 1000) + 1 for until in self._resume_at.values() if until > now]
        return min([_POLL_MS, *rests])

    def _lag(self, kafka: AIOKafkaConsumer) -> int:
        """Records not handled yet; a partition of which nothing was fetched has none."""
        known = [where for where in kafka.assignment() if where in self._next]
        return sum(max((kafka.highwater(where) or 0) - self._next[where], 0) for where in known)

    def _resume(self, kafka: AIOKafkaConsumer) -> None:
        now = asyncio.get_running_loop().time()
        for where in [where for where in kafka.paused() if self._resume_at.get(where, 0.0) <= now]:
            kafka.resume(where)
            self._resume_at.pop(where, None)

    async def _as_one(self, kafka: AIOKafkaConsumer, lot: list[Batch]) -> bool:
        """Handle what came of several partitions together; False when each must be handled by itself."""
        for where, records in lot:
            self._begin(where, records)
        if len(lot) == 1:
            return False
        verdict = await self._handling.process_lot([_as_raw(records) for _, records in lot])
        if verdict is None:
            return False
        for where, records in lot:
            self._end(kafka, where, records, verdict)
        return True

    async def _partition(
        self, kafka: AIOKafkaConsumer, where: TopicPartition, records: list[ConsumerRecord], *, beside_others: bool
    ) -> list[ConsumerRecord]:
        """Handle a partition's records in order; returns those that must be alone, and all behind them."""
        size = self._subscription.batch
        for start in range(0, len(records), size):
            chunk = records[start : start + size]
            if self._stopping.is_set():
                break
            self._begin(where, chunk)
            verdict = await self._handling.process(_as_raw(chunk), beside_others=beside_others)
            if verdict is Verdict.ALONE:
                return records[start:]
            self._end(kafka, where, chunk, verdict)
            if verdict is Verdict.RETRY:
                break
        return []

    def _begin(self, where: TopicPartition, chunk: Sequence[ConsumerRecord]) -> None:
        self._next[where] = chunk[0].offset
        self._unread_since[where] = chunk[0].timestamp / 1000

    def _end(
        self, kafka: AIOKafkaConsumer, where: TopicPartition, chunk: Sequence[ConsumerRecord], verdict: Verdict
    ) -> None:
        if verdict is Verdict.RETRY:
            self._put_off(kafka, where, chunk[0].offset)
            return
        self._faultpoints.reach("after_commit_before_ack")
        self._next[where] = chunk[-1].offset + 1
        self._unread_since.pop(where)
        self._waits.pop(where, None)

    def _put_off(self, kafka: AIOKafkaConsumer, where: TopicPartition, offset: int) -> None:
        if where not in kafka.assignment():
            return
        wait = min(self._waits.get(where, _FIRST_PAUSE / 2) * 2, _LONGEST_PAUSE)
        self._waits[where] = wait
        self._resume_at[where] = asyncio.get_running_loop().time() + wait
        kafka.seek(where, offset)
        kafka.pause(where)
        counter("machi_consumer_retries_total").labels(self.group).inc()


async def _position(kafka: AIOKafkaConsumer, where: TopicPartition) -> int:
    """Where the next record is looked for; 0 while that is not known."""
    try:
        async with asyncio.timeout(_POLL_MS / 1000):
            position: int = await kafka.position(where)
    except (IllegalStateError, TimeoutError):
        return 0
    return position


def _as_raw(records: Sequence[ConsumerRecord]) -> list[RawRecord]:
    return [
        RawRecord(each.topic, each.partition, each.offset, each.key, each.headers, each.value or b"")
        for each in records
    ]


def _lots(batches: Mapping[TopicPartition, list[ConsumerRecord]], size: int) -> list[list[Batch]]:
    """The partitions' batches in groups of at most `size` records; what is larger is a group by itself."""
    lots: list[list[Batch]] = []
    room = 0
    for where, records in batches.items():
        if len(records) > room:
            lots.append([])
            room = size
        lots[-1].append((where, records))
        room -= len(records)
    return lots
