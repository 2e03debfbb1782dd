"""Parked records: rows in the pod's own database; an operator lists, shows, replays, and drops them."""

from collections.abc import Set
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

import asyncpg
import orjson

from machi_sdk.database import Connection
from machi_sdk.envelope import Headers, text_headers, wire_headers
from machi_sdk.work import Work

FOREIGN = "foreign-tenant"
_PARK = (
    'INSERT INTO parked (consumer, topic, partition, "offset", event_id, key, headers, payload, reason)'
    " VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9) ON CONFLICT DO NOTHING"
)
_ENTER = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LIST = (
    'SELECT id, consumer, topic, partition, "offset", event_id, headers::text AS headers, reason, parked_at,'
    " replay_requested_at, length(payload) AS size FROM parked"
)
_SHOW = f"{_LIST} WHERE id = $1"
_LIST_ALL = f"{_LIST} ORDER BY id"
_TAKE = (
    'SELECT id, topic, partition, "offset", key, headers::text AS headers, payload FROM parked'
    f" WHERE consumer = $1 AND (replay_requested_at IS NOT NULL OR (reason = '{FOREIGN}'"
    " AND headers ->> 'ce_tenant' = ANY($2::text[]))) ORDER BY id LIMIT 1"
)
_DROP = f"DELETE FROM parked WHERE id = $1 AND (replay_requested_at IS NOT NULL OR reason = '{FOREIGN}')"

Place: TypeAlias = tuple[str, int, int]


class RawRecord(NamedTuple):
    """A Kafka record as it lay on the topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers
    payload: bytes

    @property
    def place(self) -> Place:
        """Topic, partition, offset."""
        return self.topic, self.partition, self.offset

    @property
    def event_id(self) -> str:
        """The envelope's id, or the record's place when there is none."""
        return text_headers(self.headers).get("ce_id") or f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True)
class ParkedRecord:
    """What an operator sees: never the content."""

    id: int
    consumer: str
    topic: str
    partition: int
    offset: int
    event_id: str
    type: str
    tenant: str
    reason: str
    parked_at: datetime
    replay_requested_at: datetime | None
    size: int


class Parking:
    """One consumer's parked records."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer

    async def park(self, work: Work, record: RawRecord, reason: str) -> None:
        """Park in the transaction that also enters the inbox; `reason` is a slug without content."""
        headers = orjson.dumps(text_headers(record.headers)).decode()
        place = (record.topic, record.partition, record.offset)
        await work.db.execute(
            _PARK, self._consumer, *place, record.event_id, record.key, headers, record.payload, reason
        )
        await work.db.execute(_ENTER, self._consumer, record.event_id)

    async def take_replay(self, work: Work, tenants: Set[str]) -> tuple[int, RawRecord] | None:
        """The next record an operator wants replayed, or of a tenant that an older replica did not know."""
        row = await work.db.fetchrow(_TAKE, self._consumer, sorted(tenants))
        if row is None:
            return None
        headers = wire_headers(orjson.loads(row["headers"]))
        place = (row["topic"], row["partition"], row["offset"])
        return row["id"], RawRecord(*place, row["key"], headers, row["payload"])

    async def drop(self, work: Work, identifier: int) -> bool:
        """Take the record out in the transaction that handles it; False when another replica was quicker."""
        done: str = await work.db.execute(_DROP, identifier)
        return done.endswith("1")

    async def refuse_replay(self, work: Work, identifier: int, reason: str) -> None:
        """Keep the record parked, with the newest reason."""
        await work.db.execute(
            "UPDATE parked SET replay_requested_at = NULL, reason = $2 WHERE id = $1", identifier, reason
        )

    async def total(self, work: Work) -> int:
        """How many are parked now."""
        count: int = await work.db.fetchval("SELECT count(*) FROM parked WHERE consumer = $1", self._consumer)
        return count


async def list_parked(connection: Connection) -> list[ParkedRecord]:
    """Every parked record of one pod's database, oldest first."""
    return [_seen(row) for row in await connection.fetch(_LIST_ALL)]


async def show_parked(connection: Connection, identifier: int) -> dict[str, object] | None:
    """One parked record with its headers, or None."""
    row = await connection.fetchrow(_SHOW, identifier)
    return None if row is None else {**asdict(_seen(row)), "headers": orjson.loads(row["headers"])}


async def request_replay(connection: Connection, identifier: int) -> bool:
    """Ask the pod to handle the record again; False when there is none. The pod does it within seconds."""
    done: str = await connection.execute("UPDATE parked SET replay_requested_at = now() WHERE id = $1", identifier)
    return done.endswith("1")


async def drop_parked(connection: Connection, identifier: int) -> bool:
    """Delete a parked record and its content for good; False when there is none. The inbox still knows the event."""
    done: str = await connection.execute("DELETE FROM parked WHERE id = $1", identifier)
    return done.endswith("1")


def _seen(row: asyncpg.Record) -> ParkedRecord:
    headers = orjson.loads(row["headers"])
    return ParkedRecord(
        id=row["id"],
        consumer=row["consumer"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        event_id=row["event_id"],
        type=headers.get("ce_type", ""),
        tenant=headers.get("ce_tenant", ""),
        reason=row["reason"],
        parked_at=row["parked_at"],
        replay_requested_at=row["replay_requested_at"],
        size=row["size"],
    )
