"""The outbox relay: one per database by lease, in order within a key, deleting only what Kafka confirmed."""

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

import asyncpg
import orjson

from machi_sdk.database import Connection, Database
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.outbox import OUTBOX_CHANNEL
from machi_sdk.producer import Parcel, Producer, Record, partition_of
from machi_sdk.telemetry import counter, gauge, get_logger
from machi_sdk.waking import woken

Row: TypeAlias = "asyncpg.Record"
# A partition of a topic, or the topic as a whole while its partitions are not known.
Where: TypeAlias = tuple[str, int]

_LEASE = 0x6D616368  # one advisory lock id: the database itself scopes it
_OLDEST = "SELECT created_at FROM outbox ORDER BY id LIMIT 1"
_BATCH = (
    "SELECT id, topic, key, headers::text AS headers, payload, topic || '/' || key AS place FROM outbox"
    " WHERE topic || '/' || key <> ALL($1::text[]) ORDER BY id LIMIT 500"
)
_SETTLE = """
WITH refused AS (
    INSERT INTO parked (consumer, topic, partition, "offset", event_id, key, headers, payload, reason)
    SELECT 'outbox', topic, -1, id, headers->>'ce_id', convert_to(key, 'UTF8'), headers, payload, reason
    FROM outbox JOIN unnest($2::bigint[], $3::text[]) AS refusal (id, reason) USING (id)
)
DELETE FROM outbox WHERE id = ANY($1::bigint[] || $2::bigint[])
"""
_REPLAY = (
    "WITH taken AS (DELETE FROM parked WHERE consumer = 'outbox' AND replay_requested_at IS NOT NULL RETURNING *)"
    " INSERT INTO outbox (topic, key, headers, payload)"
    " SELECT topic, convert_from(key, 'UTF8'), headers, payload FROM taken ORDER BY id"
)
_PARKED = "SELECT count(*) FROM parked WHERE consumer = 'outbox'"
_SAFETY_POLL = 1.0
_CONFIRM_WITHIN = 15.0
_PATIENCE = 0.5
_FIRST_REST = 0.5
_LONGEST_REST = 10.0
_MOST_IN_FLIGHT = 1000
_WHOLE = -1

log = get_logger()


@dataclass(eq=False)
class _Flight:
    """Rows on their way together."""

    where: Where
    rows: Sequence[Row]


@dataclass(frozen=True)
class _Shut:
    """What took nothing rests, longer each time in a row, until one row may try it; `until` is the loop's time."""

    until: float
    rest: float


class _Places:
    """What is under way, and what waits behind a partition that took nothing, by place (`topic/key`).

    Forgotten with the lease.
    """

    def __init__(self) -> None:
        self.flights: dict[str, _Flight] = {}
        self.ended: set[str] = set()
        self.confirmed: list[Row] = []
        self.refused: list[tuple[int, str]] = []
        self._alone: set[str] = set()
        self._shut: dict[Where, _Shut] = {}
        self._behind: dict[str, Where] = {}

    def held(self) -> list[str]:
        """Places whose rows are not to be read now."""
        now = asyncio.get_running_loop().time()
        closed = {where for where, shut in self._shut.items() if shut.until > now}
        return [*self.flights, *(place for place, where in self._behind.items() if where in closed)]

    def room(self, where: Where) -> float:
        """How many rows may go there now: all, one that tries it, or none."""
        shut = self._shut.get(where)
        if shut is None:
            return math.inf
        return 1 if shut.until <= asyncio.get_running_loop().time() else 0

    def wait(self, row: Row, where: Where) -> None:
        """Let the row's place wait until that takes something again."""
        self._behind[row["place"]] = where

    def reopen(self, where: Where) -> None:
        """It takes what is sent there."""
        if self._shut.pop(where, None) is not None:
            self._behind = {place: behind for place, behind in self._behind.items() if behind != where}

    def full(self) -> bool:
        """Whether enough rows are under way."""
        return sum(len(flight.rows) for flight in set(self.flights.values())) >= _MOST_IN_FLIGHT

    def start(self, where: Where, rows: Sequence[Row]) -> _Flight:
        """Let these rows, and no others of their places, be under way; where it rested, nothing else is until then."""
        if where in self._shut:
            self._shut[where] = replace(self._shut[where], until=math.inf)
        flight = _Flight(where, rows)
        self.flights.update((row["place"], flight) for row in rows)
        return flight

    def goes_alone(self, place: str) -> bool:
        """Whether the place's next row shares no batch with others: one that it was in was too large."""
        return place in self._alone

    def end(self, flight: _Flight) -> list[str]:
        """End this flight; returns the places that were still its own, which may now be settled."""
        places = {row["place"] for row in flight.rows}
        mine = [place for place in places if self.flights.get(place) is flight and place not in self.ended]
        self.ended.update(mine)
        return mine

    def left(self, flight: _Flight) -> None:
        """The rows are on Kafka."""
        mine = set(self.end(flight))
        self.confirmed += [row for row in flight.rows if row["place"] in mine]
        self._alone -= mine
        self.reopen(flight.where)

    def refuse(self, row: Row, reason: str) -> None:
        """The row can never leave; the others of its place may."""
        log.error("event cannot leave", topic=row["topic"], reason=reason)
        self.refused.append((row["id"], reason))
        self._alone.discard(row["place"])

    def refused_together(self, flight: _Flight, reason: str) -> None:
        """One row alone can never leave; several are tried again, each alone."""
        places = self.end(flight)
        self.reopen(flight.where)
        if len(flight.rows) == 1 and places:
            self.refuse(flight.rows[0], reason)
        else:
            self._alone.update(places)

    def failed(self, flight: _Flight, reason: str) -> None:
        """Let it rest, and all places wait that lie behind it."""
        places = self.end(flight)
        log.warning("events wait", topic=flight.where[0], reason=reason, places=len(places))
        self._behind.update(dict.fromkeys(places, flight.where))
        if self.room(flight.where) or self._shut[flight.where].until == math.inf:
            before = self._shut.get(flight.where, _Shut(0.0, _FIRST_REST / 2))
            rest = min(before.rest * 2, _LONGEST_REST)
            self._shut[flight.where] = _Shut(asyncio.get_running_loop().time() + rest, rest)


class Relay:
    """Carries the outbox to Kafka while it holds the lease."""

    def __init__(self, database: Database, producer: Producer, faultpoints: Faultpoints) -> None:
        self._database = database
        self._producer = producer
        self._faultpoints = faultpoints
        self._awake = asyncio.Event()
        self._landed = asyncio.Event()
        self._places = _Places()
        self._senders: set[asyncio.Task[None]] = set()

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
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LEASE):  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(_PATIENCE)
            await connection.add_listener(OUTBOX_CHANNEL, lambda *_: self._awake.set())
            loop, next_look = asyncio.get_running_loop(), 0.0
            while True:
                self._awake.clear()
                if loop.time() >= next_look:
                    await self._look_around(connection)
                    next_look = loop.time() + _SAFETY_POLL
                if not await self.carry(connection):
                    await woken(self._awake, _SAFETY_POLL)
        finally:
            gauge("machi_outbox_age_seconds").set(0)  # whoever has the lease next tells it
            await self._give_up_flights()
            await connection.close(timeout=2)

    async def _look_around(self, connection: Connection) -> None:
        """Put back what an operator asked for; tell how many are left parked, and how old the oldest event is."""
        oldest = await connection.fetchval(_OLDEST)
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        gauge("machi_outbox_age_seconds").set(max(age, 0.0))
        await connection.execute(_REPLAY)
        gauge("machi_parked_total").labels("outbox").set(await connection.fetchval(_PARKED))

    async def _give_up_flights(self) -> None:
        senders = list(self._senders)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        self._places = _Places()

    async def carry(self, connection: Connection) -> int:
        """Send what may be sent, delete what was confirmed, and return how many left.

        A partition that fails or is slow stays behind alone: the others do not wait for it.
        """
        rows = [] if self._places.full() else await connection.fetch(_BATCH, self._places.held())
        topics: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            topics[row["topic"]].append(row)
        for topic, of_topic in topics.items():
            self._set_out(topic, of_topic)
        if rows:
            await self._until_landed({row["place"] for row in rows} & self._places.flights.keys())
        return await self._settle(connection)

    def _set_out(self, topic: str, rows: Sequence[Row]) -> None:
        where = (topic, _WHOLE)
        room = self._places.room(where)
        going = rows if room > 1 else rows[: int(room)]
        for row in rows[len(going) :]:
            self._places.wait(row, where)
            self._awake.set()  # what lies behind them is read next
        if going:
            whole = self._places.start(where, going)
            self._begin(whole, self._sort(topic, whole))

    def _begin(self, flight: _Flight, sending: Coroutine[None, None, None]) -> None:
        sender = asyncio.create_task(sending)
        self._senders.add(sender)
        sender.add_done_callback(partial(self._ended, flight))

    def _ended(self, flight: _Flight, sender: asyncio.Task[None]) -> None:
        """What fails in a way nobody foresaw is tried again as well: no place may be under way for ever."""
        self._senders.discard(sender)
        error = None if sender.cancelled() else sender.exception()
        if error is not None:
            self._places.failed(flight, type(error).__name__)
            self._tell()

    async def _sort(self, topic: str, whole: _Flight) -> None:
        """Make a parcel for each partition; a topic that does not answer keeps no other waiting."""
        try:
            partitions = await self._producer.partitions(topic, _CONFIRM_WITHIN)
        except Unavailable as error:
            self._places.failed(whole, error.slug)
        else:
            self._places.reopen(whole.where)
            for parcel, rows in self._packed(topic, whole.rows, partitions):
                flight = self._places.start((topic, parcel.partition), rows)
                self._begin(flight, self._send(parcel, flight))
            self._places.end(whole)  # what did not fit is read again
        self._tell()

    def _packed(self, topic: str, rows: Sequence[Row], partitions: tuple[int, ...]) -> list[tuple[Parcel, list[Row]]]:
        """Parcels with their rows, in order; what does not fit is left out, with all that is behind it at its place.

        So is what a resting partition does not take yet.
        """
        room = {partition: self._places.room((topic, partition)) for partition in partitions}
        packed: list[tuple[Parcel, list[Row]]] = []
        open_of: dict[int, tuple[Parcel, list[Row]]] = {}
        shut: set[str] = set()
        for row in rows:
            place, partition = row["place"], partition_of(row["key"], partitions)
            if place in shut:
                continue
            if room[partition] < 1:
                self._places.wait(row, (topic, partition))
                shut.add(place)
                continue
            alone = self._places.goes_alone(place)
            if alone or partition not in open_of:
                packed.append((self._producer.parcel(topic, partition), []))
            parcel, inside = packed[-1] if alone else open_of.setdefault(partition, packed[-1])
            try:
                fits = parcel.add(Record(topic, row["key"], orjson.loads(row["headers"]), row["payload"]))
            except Invalid as error:
                self._places.refuse(row, error.slug)
                continue
            if fits:
                inside.append(row)
                room[partition] -= 1
            if alone or not fits:
                shut.add(place)
        return [(parcel, inside) for parcel, inside in packed if inside]

    async def _send(self, parcel: Parcel, flight: _Flight) -> None:
        try:
            await self._producer.post(parcel, _CONFIRM_WITHIN)
        except Invalid as error:
            self._places.refused_together(flight, error.slug)
        except Unavailable as error:
            self._places.failed(flight, error.slug)
        else:
            self._places.left(flight)
        self._tell()

    def _tell(self) -> None:
        """A place can be settled: at once, though nobody waits for it any more."""
        self._landed.set()
        self._awake.set()

    async def _until_landed(self, places: Collection[str]) -> None:
        """Wait for these places to end, though not for slow ones."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not self._places.ended.issuperset(places):
                    self._landed.clear()
                    await self._landed.wait()

    async def _settle(self, connection: Connection) -> int:
        """Delete what left, park what never can, and only then let the ended places be read again."""
        ended, self._places.ended = self._places.ended, set()
        confirmed, self._places.confirmed = self._places.confirmed, []
        refused, self._places.refused = self._places.refused, []
        for topic, count in Counter(row["topic"] for row in confirmed).items():
            counter("machi_outbox_relayed_total").labels(topic).inc(count)
        if confirmed:
            self._faultpoints.reach("after_publish_before_delete")
        if confirmed or refused:
            ids, reasons = [identifier for identifier, _ in refused], [reason for _, reason in refused]
            await connection.execute(_SETTLE, [row["id"] for row in confirmed], ids, reasons)
        for place in ended:
            del self._places.flights[place]
        return len(confirmed) + len(refused)
