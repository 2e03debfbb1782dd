"""The outbox relay: one per database by lease, in order within a key, deleting only what Kafka confirmed."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime

import asyncpg
import orjson

from machi_sdk.database import Database, RawConnection
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.producer import Producer, Record
from machi_sdk.telemetry import counter, gauge, get_logger
from machi_sdk.work import OUTBOX_CHANNEL

_LEASE = 0x6D616368  # one advisory lock id: the database itself scopes it
_BATCH = "SELECT id, topic, key, headers, payload, created_at FROM outbox ORDER BY id LIMIT 500"
_TOO_LARGE = (
    'INSERT INTO parked (consumer, topic, partition, "offset", event_id, headers, payload, reason)'
    " SELECT 'outbox', topic, -1, id, headers->>'ce_id', headers, payload, 'record-too-large' FROM outbox WHERE id = $1"
)
_SAFETY_POLL = 1.0
_CONFIRM_WITHIN = 15.0
_PATIENCE = 0.5

log = get_logger()


class Relay:
    """Carries the outbox to Kafka while it holds the lease."""

    def __init__(self, database: Database, producer: Producer, faultpoints: Faultpoints) -> None:
        self._database = database
        self._producer = producer
        self._faultpoints = faultpoints
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """There is something to carry."""
        self._awake.set()

    async def run(self) -> None:
        """Work for ever; a lost database or broker only pauses it."""
        while True:
            try:
                await self._hold_lease()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
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
                if await self.carry(connection):
                    continue
                await self._rest()
        finally:
            await connection.close(timeout=2)

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), _SAFETY_POLL)
        except TimeoutError:
            return

    async def carry(self, connection: RawConnection) -> int:
        """Send one batch, delete what was confirmed, and return how many left. Unavailable when nothing could."""
        rows = await connection.fetch(_BATCH)
        age = (datetime.now(UTC) - rows[0]["created_at"]).total_seconds() if rows else 0.0
        gauge("machi_outbox_age_seconds").set(max(age, 0.0))
        if not rows:
            return 0
        chains: dict[tuple[str, str], list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            chains[row["topic"], row["key"]].append(row)
        confirmed: list[int] = []
        await asyncio.gather(*(self._carry_chain(chain, confirmed) for chain in chains.values()))
        self._faultpoints.reach("after_publish_before_delete")
        refused = await self._park_oversized(connection, chains, set(confirmed))
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", confirmed + refused)
        if not confirmed and not refused:
            raise Unavailable("kafka-unavailable")
        return len(confirmed)

    async def _carry_chain(self, chain: "list[asyncpg.Record]", confirmed: list[int]) -> None:
        for row in chain:
            record = Record(row["topic"], row["key"], orjson.loads(row["headers"]), row["payload"])
            try:
                await self._producer.put(record, _CONFIRM_WITHIN)
            except (Unavailable, Invalid):
                return
            confirmed.append(row["id"])
            counter("machi_outbox_relayed_total").labels(record.topic).inc()

    async def _park_oversized(
        self,
        connection: RawConnection,
        chains: "dict[tuple[str, str], list[asyncpg.Record]]",
        confirmed: set[int],
    ) -> list[int]:
        left = (row for chain in chains.values() for row in chain if row["id"] not in confirmed)
        refused = [row["id"] for row in left if len(row["payload"]) > 1_000_000]
        for identifier in refused:
            await connection.execute(_TOO_LARGE, identifier)
        return refused
