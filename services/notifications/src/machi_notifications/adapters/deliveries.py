"""Deliveries on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from machi_notifications.domain.delivery import Delivery, Held, State, before
from machi_notifications.domain.policy import Later
from machi_sdk.errors import Missing
from machi_sdk.telemetry import carried
from machi_sdk.work import Work

if TYPE_CHECKING:
    import asyncpg

_COLUMNS = tuple(field.name for field in fields(Delivery))
_ADD = """
INSERT INTO deliveries (delivery_id, citizen_id, channel, cause, thread, version, state, reason, requested_at,
    send_before, held_until, concluded_at, tenant, held_request, trace)
VALUES ($1, present_id($13, $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text, $14, $15::jsonb)
ON CONFLICT DO NOTHING RETURNING 1
"""
_OF_THREAD = "SELECT * FROM deliveries WHERE tenant = $1 AND thread = $2 ORDER BY version, requested_at"
_CONCLUDE = """
UPDATE deliveries SET state = $3, reason = $4, concluded_at = $5, held_request = ''
WHERE tenant = $1 AND delivery_id = $2 AND state = ANY($6)
"""
_KNOWN = "SELECT 1 FROM deliveries WHERE tenant = $1 AND delivery_id = $2"
_HELD = """
SELECT max(send_before) AS send_before, max(held_until) AS until FROM deliveries
WHERE tenant = $1 AND thread = $2 AND state = 'held' HAVING count(*) > 0
"""
# One replica at a time: a case's messages may be spread over two works, and the older must be committed first.
_MY_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('held messages/' || $1, 2))"
_DUE = """
SELECT * FROM deliveries WHERE tenant = $1 AND state = 'held' AND held_until <= $2
ORDER BY held_until, thread, version LIMIT $3 FOR UPDATE
"""
_RELEASE = "UPDATE deliveries SET state = 'requested', held_request = '' WHERE tenant = $1 AND delivery_id = $2"


class PostgresDeliveries:
    """The deliveries of one work's tenant."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, delivery: Delivery, held_request: bytes = b"") -> bool:
        """Enter a delivery, a held one with the present trace; False when it is known already."""
        trace = orjson.dumps(carried() if held_request else {}).decode()
        values = (*astuple(delivery), self._work.tenant, held_request, trace)
        return await self._work.db.fetchval(_ADD, *values) is not None

    async def of_thread(self, thread: str) -> list[Delivery]:
        """Every delivery about one thing, oldest first."""
        return [_delivery(row) for row in await self._work.db.fetch(_OF_THREAD, self._work.tenant, thread)]

    async def conclude(self, delivery_id: str, state: State, reason: str, at: datetime) -> None:
        """Write what became of a delivery, never backwards; Missing when there is none."""
        if await self._work.db.fetchval(_KNOWN, self._work.tenant, delivery_id) is None:
            raise Missing("delivery-unknown")
        earlier = [each.value for each in before(state)]
        await self._work.db.execute(_CONCLUDE, self._work.tenant, delivery_id, state.value, reason, at, earlier)

    async def held(self, thread: str) -> Later | None:
        """How long the last of a thread's held deliveries is held; None when none is."""
        row = await self._work.db.fetchrow(_HELD, self._work.tenant, thread)
        return Later(row["send_before"], row["until"]) if row is not None else None

    async def due(self, now: datetime, count: int) -> Sequence[Held]:
        """Held deliveries whose time has come; none while another replica releases some."""
        if not await self._work.db.fetchval(_MY_TURN, self._work.tenant):
            return []
        rows = await self._work.db.fetch(_DUE, self._work.tenant, now, count)
        return [Held(_delivery(row), row["held_request"], row["trace"]) for row in rows]

    async def release(self, delivery_id: str) -> None:
        """A held delivery is on its way; its words are forgotten here."""
        await self._work.db.execute(_RELEASE, self._work.tenant, delivery_id)


def _delivery(row: "asyncpg.Record") -> Delivery:
    values = {name: row[name] for name in _COLUMNS}
    return Delivery(**values | {"state": State(row["state"])})
