"""The outbox relay: one per database by lease, in order within a key, deleting only what Kafka confirmed."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg
import orjson

from machi_sdk.database import Connection, Database
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.producer import Producer, Record
from machi_sdk.telemetry import counter, gauge, get_logger
from machi_sdk.work import OUTBOX_CHANNEL

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


@dataclass(frozen=True)
class _Flight:
    task: "asyncio.Task[None]"
    size: int


class _Keys:
    """What is under way and what rests after a failure, by place (`topic/key`); forgotten with the lease."""

    def __init__(self) -> None:
        self.flights: dict[str, _Flight] = {}
        self.confirmed: list[int] = []
        self.refused: list[tuple[int, str]] = []
        self._rests: dict[str, tuple[float, float]] = {}

    def held(self) -> list[str]:
        """Places whose rows are not to be read now."""
        now = asyncio.get_running_loop().time()
        return [*self.flights, *(place for place, (until, _) in self._rests.items() if until > now)]

    def full(self) -> bool:
        """Whether enough rows are under way."""
        return sum(flight.size for flight in self.flights.values()) >= _MOST_IN_FLIGHT

    def failed(self, place: str) -> None:
        """Let the place rest, longer each time in a row."""
        _, before = self._rests.get(place, (0.0, _FIRST_REST / 2))
        rest = min(before * 2, _LONGEST_REST)
        self._rests[place] = (asyncio.get_running_loop().time() + rest, rest)

    def succeeded(self, place: str) -> None:
        """The place works again."""
        self._rests.pop(place, None)

    def land(self) -> list[str]:
        """Places whose chains have ended."""
        return [place for place, flight in self.flights.items() if flight.task.done()]


class Relay:
    """Carries the outbox to Kafka while it holds the lease."""

    def __init__(self, database: Database, producer: Producer, faultpoints: Faultpoints) -> None:
        self._database = database
        self._producer = producer
        self._faultpoints = faultpoints
        self._awake = asyncio.Event()
        self._keys = _Keys()

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
        tasks = [flight.task for flight in self._keys.flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._keys = _Keys()

    async def carry(self, connection: Connection) -> int:
        """Send what may be sent, delete what was confirmed, and return how many left.

        A key that fails or is slow stays behind alone: the others do not wait for it.
        """
        oldest = await connection.fetchval(_OLDEST)
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        gauge("machi_outbox_age_seconds").set(max(age, 0.0))
        rows = [] if self._keys.full() else await connection.fetch(_BATCH, self._keys.held())
        chains: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            chains[row["place"]].append(row)
        started = [self._take_off(place, chain) for place, chain in chains.items()]
        if started:
            await asyncio.wait(started, timeout=_PATIENCE)
        return await self._settle(connection)

    def _take_off(self, place: str, chain: list[Row]) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._carry_chain(place, chain))
        task.add_done_callback(lambda _: self._awake.set())
        self._keys.flights[place] = _Flight(task, len(chain))
        return task

    async def _carry_chain(self, place: str, chain: list[Row]) -> None:
        for row in chain:
            record = Record(row["topic"], row["key"], orjson.loads(row["headers"]), row["payload"])
            try:
                await self._producer.put(record, _CONFIRM_WITHIN)
            except Invalid as error:
                self._keys.refused.append((row["id"], error.slug))
                log.error("event cannot leave", topic=record.topic, reason=error.slug)
                continue
            except Unavailable as error:
                self._keys.failed(place)
                log.warning("event waits", topic=record.topic, reason=error.slug)
                return
            self._keys.succeeded(place)
            self._keys.confirmed.append(row["id"])
            counter("machi_outbox_relayed_total").labels(record.topic).inc()

    async def _settle(self, connection: Connection) -> int:
        """Delete what left, park what never can, and only then let the ended places be read again."""
        ended = self._keys.land()
        confirmed, self._keys.confirmed = self._keys.confirmed, []
        refused, self._keys.refused = self._keys.refused, []
        if confirmed:
            self._faultpoints.reach("after_publish_before_delete")
        gone = confirmed + [identifier for identifier, _ in refused]
        if gone:
            async with connection.transaction():
                await connection.executemany(_PARK, refused)
                await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", gone)
        for place in ended:
            del self._keys.flights[place]
        return len(gone)
