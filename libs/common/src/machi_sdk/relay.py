"""The outbox relay: one per database by lease, in order within a key, deleting only what Kafka confirmed."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

import asyncpg
import orjson

from machi_sdk.database import Connection, Database
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.outbox import OUTBOX_CHANNEL
from machi_sdk.producer import Producer, Record
from machi_sdk.telemetry import counter, gauge, get_logger

Row: TypeAlias = "asyncpg.Record"

_LEASE = 0x6D616368  # one advisory lock id: the database itself scopes it
_OLDEST = "SELECT created_at FROM outbox ORDER BY id LIMIT 1"
_BATCH = (
    "SELECT id, topic, key, headers::text AS headers, payload, topic || '/' || key AS place FROM outbox"
    " WHERE topic || '/' || key <> ALL($1::text[]) ORDER BY id LIMIT 500"
)
_PARK = (
    'INSERT INTO parked (consumer, topic, partition, "offset", event_id, key, headers, payload, reason)'
    " SELECT 'outbox', topic, -1, id, headers->>'ce_id', convert_to(key, 'UTF8'), headers, payload, $2"
    " FROM outbox WHERE id = $1"
)
_REPLAY = (
    "WITH taken AS (DELETE FROM parked WHERE consumer = 'outbox' AND replay_requested_at IS NOT NULL RETURNING *)"
    " INSERT INTO outbox (topic, key, headers, payload)"
    " SELECT topic, convert_from(key, 'UTF8'), headers, payload FROM taken ORDER BY id"
)
_SAFETY_POLL = 1.0
_CONFIRM_WITHIN = 15.0
_PATIENCE = 0.5
_FIRST_REST = 0.5
_LONGEST_REST = 10.0
_MOST_IN_FLIGHT = 1000

log = get_logger()


@dataclass(eq=False)
class _Flight:
    """Rows of one place on their way, one at a time; `began` is when the present one left."""

    rows: deque[Row]
    began: float


class _Keys:
    """What is under way and what rests after a failure, by place (`topic/key`); forgotten with the lease."""

    def __init__(self) -> None:
        self.flights: dict[str, _Flight] = {}
        self.ended: set[str] = set()
        self.confirmed: list[Row] = []
        self.refused: list[tuple[int, str]] = []
        self._rests: dict[str, tuple[float, float]] = {}

    def held(self) -> list[str]:
        """Places whose rows are not to be read now."""
        now = asyncio.get_running_loop().time()
        return [*self.flights, *(place for place, (until, _) in self._rests.items() if until > now)]

    def full(self) -> bool:
        """Whether enough rows are under way."""
        return sum(len(flight.rows) for flight in self.flights.values()) >= _MOST_IN_FLIGHT

    def left(self, place: str) -> None:
        """The place's first row is on Kafka."""
        rows = self.flights[place].rows
        self.confirmed.append(rows.popleft())
        self._rests.pop(place, None)
        if not rows:
            self.ended.add(place)

    def refuse(self, place: str, reason: str) -> None:
        """The place's first row can never leave; the others may."""
        rows = self.flights[place].rows
        self.refused.append((rows.popleft()["id"], reason))
        if not rows:
            self.ended.add(place)

    def failed(self, place: str) -> None:
        """Let the place rest, longer each time in a row."""
        _, before = self._rests.get(place, (0.0, _FIRST_REST / 2))
        rest = min(before * 2, _LONGEST_REST)
        self._rests[place] = (asyncio.get_running_loop().time() + rest, rest)
        self.ended.add(place)


class Relay:
    """Carries the outbox to Kafka while it holds the lease."""

    def __init__(self, database: Database, producer: Producer, faultpoints: Faultpoints) -> None:
        self._database = database
        self._producer = producer
        self._faultpoints = faultpoints
        self._awake = asyncio.Event()
        self._landed = asyncio.Event()
        self._keys = _Keys()
        self._senders: dict[str, asyncio.Task[None]] = {}
        self._ready: dict[str, deque[str]] = defaultdict(deque)

    def wake(self) -> None:
        """There is something to carry."""
        self._awake.set()

    async def run(self) -> None:
        """Work for ever; a lost database or broker only pauses it."""
        while True:
            try:
                await self._hold_lease()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("relay paused", error=type(error).__name__)
            await asyncio.sleep(_PATIENCE)

    async def _hold_lease(self) -> None:
        connection = await self._database.connect()
        try:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LEASE):
                return
            await connection.add_listener(OUTBOX_CHANNEL, lambda *_: self._awake.set())
            while True:
                self._awake.clear()
                if not await self.carry(connection):
                    await self._rest(connection)
        finally:
            await self._give_up_flights()
            await connection.close(timeout=2)

    async def _rest(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_SAFETY_POLL):
                await self._awake.wait()
        except TimeoutError:
            await connection.execute(_REPLAY)

    async def _give_up_flights(self) -> None:
        senders = list(self._senders.values())
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        self._keys = _Keys()
        self._senders.clear()
        self._ready.clear()

    async def carry(self, connection: Connection) -> int:
        """Send what may be sent, delete what was confirmed, and return how many left.

        A key that fails or is slow stays behind alone: the others do not wait for it.
        """
        oldest = await connection.fetchval(_OLDEST)
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        gauge("machi_outbox_age_seconds").set(max(age, 0.0))
        rows = [] if self._keys.full() else await connection.fetch(_BATCH, self._keys.held())
        places: dict[str, deque[Row]] = defaultdict(deque)
        for row in rows:
            places[row["place"]].append(row)
        now = asyncio.get_running_loop().time()
        for place, waiting in places.items():
            self._keys.flights[place] = _Flight(waiting, now)
            self._send_next(place)
        if rows:
            await self._until_landed(places.keys())
        self._give_up_slow()
        return await self._settle(connection)

    def _send_next(self, place: str) -> None:
        """Let the topic's sender take the place's first row; a topic that does not answer keeps no other waiting."""
        topic = self._keys.flights[place].rows[0]["topic"]
        self._ready[topic].append(place)
        if topic not in self._senders:
            self._senders[topic] = asyncio.create_task(self._send_ready(topic), name=f"relay of {topic}")

    async def _send_ready(self, topic: str) -> None:
        ready = self._ready[topic]
        try:
            while ready:
                await self._send_all(topic, ready)
        finally:
            self._ready.pop(topic, None)
            self._senders.pop(topic, None)

    async def _send_all(self, topic: str, ready: deque[str]) -> None:
        """Hand over the first row of each place; when one cannot be handed over, all that wait with it rest."""
        now = asyncio.get_running_loop().time
        began = now()
        try:
            async with asyncio.timeout(_CONFIRM_WITHIN) as patience:
                while ready:
                    if now() > began + 1.0:
                        began = now()
                        patience.reschedule(began + _CONFIRM_WITHIN)
                    await self._send(ready[0])
                    ready.popleft()
        except (Unavailable, TimeoutError):
            log.warning("events wait", topic=topic, reason="kafka-unavailable")
            while ready:
                self._fail(ready.popleft())

    async def _send(self, place: str) -> None:
        flight = self._keys.flights[place]
        row = flight.rows[0]
        record = Record(row["topic"], row["key"], orjson.loads(row["headers"]), row["payload"])
        flight.began = asyncio.get_running_loop().time()
        try:
            confirmed = await self._producer.begin(record)
        except Invalid as error:
            self._refuse(place, error)
        else:
            confirmed.add_done_callback(partial(self._answered, place, flight))

    def _answered(self, place: str, flight: _Flight, confirmed: "asyncio.Future[object]") -> None:
        """Kafka has the place's first row, or will not have it."""
        error = asyncio.CancelledError() if confirmed.cancelled() else confirmed.exception()
        if self._keys.flights.get(place) is not flight or place in self._keys.ended:
            return  # given up before: it is sent again
        if error is None:
            self._keys.left(place)
            self._go_on(place)
            return
        meaning = self._producer.translated(error)
        if isinstance(meaning, Invalid):
            self._refuse(place, meaning)
            return
        log.warning("event waits", topic=flight.rows[0]["topic"], reason=meaning.slug)
        self._fail(place)

    def _refuse(self, place: str, error: Invalid) -> None:
        log.error("event cannot leave", topic=self._keys.flights[place].rows[0]["topic"], reason=error.slug)
        self._keys.refuse(place, error.slug)
        self._go_on(place)

    def _fail(self, place: str) -> None:
        self._keys.failed(place)
        self._ended()

    def _go_on(self, place: str) -> None:
        if place in self._keys.ended:
            self._ended()
        else:
            self._send_next(place)

    def _ended(self) -> None:
        """A place can be settled: at once, though nobody waits for it any more."""
        self._landed.set()
        self._awake.set()

    async def _until_landed(self, places: Collection[str]) -> None:
        """Wait for these places to end, though not for slow ones."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not self._keys.ended.issuperset(places):
                    self._landed.clear()
                    await self._landed.wait()

    def _give_up_slow(self) -> None:
        """What was not confirmed in time rests, and is sent again."""
        late = asyncio.get_running_loop().time() - _CONFIRM_WITHIN
        queued = {place for ready in self._ready.values() for place in ready}
        for place, flight in self._keys.flights.items():
            if flight.began < late and place not in self._keys.ended and place not in queued:
                log.warning("event waits", topic=flight.rows[0]["topic"], reason="not-confirmed-in-time")
                self._fail(place)

    async def _settle(self, connection: Connection) -> int:
        """Delete what left, park what never can, and only then let the ended places be read again."""
        ended, self._keys.ended = self._keys.ended, set()
        confirmed, self._keys.confirmed = self._keys.confirmed, []
        refused, self._keys.refused = self._keys.refused, []
        for topic, count in Counter(row["topic"] for row in confirmed).items():
            counter("machi_outbox_relayed_total").labels(topic).inc(count)
        if confirmed:
            self._faultpoints.reach("after_publish_before_delete")
        gone = [row["id"] for row in confirmed] + [identifier for identifier, _ in refused]
        if gone:
            async with connection.transaction():
                await connection.executemany(_PARK, refused)
                await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", gone)
        for place in ended:
            del self._keys.flights[place]
        return len(gone)
