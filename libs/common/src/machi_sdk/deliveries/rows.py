"""The durable list of deliveries: one row each, in order per person; never an address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

import asyncpg
import orjson

from machi.deliveries.v1 import events_pb2 as deliveries
from machi_sdk.aliases import move_of
from machi_sdk.clock import Clock, stamp
from machi_sdk.deliveries.standing import End
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.forgetting import forget
from machi_sdk.telemetry import counter
from machi_sdk.work import Work, Works

OUTCOMES = "machi.deliveries.outcomes.v1"
NOT_FOCUSED = "focus-not-set"  # why a delivery waits that the platform has already
DELIVERY_MOVES = (move_of("deliveries"),)
_ACCEPT = (
    "INSERT INTO deliveries (tenant, delivery_id, citizen_id, thread, version, request, trace, state, reason, tries,"
    " send_before, due_at)"
    " VALUES ($1::text, $2, present_id($1, $3), $4, $5, $6, $7::jsonb, 'open', '', 0, $8, now()) ON CONFLICT DO NOTHING"
)
# A step per person, by index, to their first open delivery: the look ends as soon as it has found enough.
_FIRST_AFTER = """
SELECT o.citizen_id, o.delivery_id, o.due_at FROM deliveries AS o
WHERE o.tenant = $1 AND o.state = 'open' AND o.citizen_id > {} ORDER BY o.citizen_id, o.seq LIMIT 1
"""
# By the database's clock: a replica whose own is ahead takes nothing that another one has just begun.
_CLAIM = f"""
WITH RECURSIVE heads AS (
    SELECT first.*, 1 AS place FROM ({_FIRST_AFTER.format("$3")}) AS first
    UNION ALL
    SELECT next.*, heads.place + 1 FROM heads CROSS JOIN LATERAL ({_FIRST_AFTER.format("heads.citizen_id")}) AS next
), due AS (SELECT delivery_id, place FROM heads WHERE due_at <= now() LIMIT $2)
UPDATE deliveries AS d SET due_at = now() + interval '15 seconds', tries = tries + 1
FROM due WHERE d.tenant = $1 AND d.delivery_id = due.delivery_id AND d.due_at <= now() AND d.state = 'open'
RETURNING d.citizen_id, due.place, d.request, d.trace, d.tries, d.reason, d.first_post_at, (
    SELECT coalesce(max(sent.version), 0) FROM deliveries AS sent WHERE sent.tenant = $1 AND sent.thread = d.thread
    AND sent.citizen_id = d.citizen_id AND sent.thread <> '' AND sent.state IN ('accepted', 'unknown')) AS newest_sent
"""
_POSTING = "UPDATE deliveries SET first_post_at = coalesce(first_post_at, $3) WHERE tenant = $1 AND delivery_id = $2"
_NOT_POSTED = "UPDATE deliveries SET first_post_at = NULL WHERE tenant = $1 AND delivery_id = $2"
_CONCLUDE = (
    "UPDATE deliveries SET state = $3, reason = $4, request = '', concluded_at = $5"
    " WHERE tenant = $1 AND delivery_id = $2 AND state = 'open' RETURNING delivery_id"
)
_PUT_OFF = (
    "UPDATE deliveries SET due_at = now() + $3, reason = $4 WHERE tenant = $1 AND delivery_id = $2 AND state = 'open'"
)
_WAITING = (
    "SELECT reason, count(*) AS n FROM deliveries WHERE tenant = $1 AND state = 'open' AND reason <> '' GROUP BY reason"
)
# Longer than an attempt, and its repetition after a crash, take: then words are what they are.
_ARRIVING = timedelta(seconds=30)
_ASKING = (
    "SELECT request FROM deliveries WHERE tenant = $1 AND citizen_id = $2 AND state = 'open' AND (first_post_at > $3"
    f" OR reason = '{NOT_FOCUSED}')"
)
STATES = {
    End.REFUSED: deliveries.DELIVERY_STATE_REFUSED,
    End.ACCEPTED: deliveries.DELIVERY_STATE_ACCEPTED,
    End.FAILED: deliveries.DELIVERY_STATE_FAILED,
    End.UNKNOWN: deliveries.DELIVERY_STATE_UNKNOWN,
    End.EXPIRED: deliveries.DELIVERY_STATE_EXPIRED,
    End.SUPERSEDED: deliveries.DELIVERY_STATE_SUPERSEDED,
}


@dataclass(frozen=True)
class Open:
    """A delivery that has not ended, as claimed for one attempt; `reason` is why the last one was put off."""

    tenant: str
    request: deliveries.DeliveryRequested
    tries: int
    reason: str
    first_post_at: datetime | None
    newest_sent: int
    trace: Mapping[str, str]

    @property
    def arrived(self) -> bool:
        """Whether the platform has it for sure, and only the person's focus is still to be set."""
        return self.reason == NOT_FOCUSED


class DeliveryRows:
    """One channel's deliveries in the pod's database."""

    def __init__(self, works: Works[Work], clock: Clock, channel: str) -> None:
        self._works = works
        self._clock = clock
        self._whose_turn: dict[str, str] = {}  # by tenant, the last who was found, when there may be more
        self.channel = channel

    async def accept(self, records: Sequence[Received], work: Work) -> None:
        """Enter requests for this channel in the consumer's transaction; one already here is left alone."""
        asked = [(record, _request(record)) for record in records]
        ours = [(record, request) for record, request in asked if request.channel == self.channel]
        if ours:
            await work.db.executemany(_ACCEPT, [_row(record, request) for record, request in ours])
        for record, request in ours:
            work.hop_of(record.trace_id, "delivery-stored", {"delivery_id": request.delivery_id})

    async def claim(self, tenant: str, count: int) -> list[Open]:
        """Lease the first open delivery of up to `count` people whose time has come; people have their turns."""
        after = self._whose_turn.pop(tenant, "")
        async with self._works.begin(tenant) as work:
            rows = newest = await work.db.fetch(_CLAIM, tenant, count, after)
            if after and len(rows) < count:
                newest = await work.db.fetch(_CLAIM, tenant, count - len(rows), "")
                rows = [*rows, *newest]
        if len(rows) == count:
            self._whose_turn[tenant] = max(newest, key=itemgetter("place"))["citizen_id"]
        return [_open(tenant, row) for row in rows]

    async def posting(self, delivery: Open, now: datetime) -> None:
        """Note, durably, that a request to the platform is about to be made."""
        async with self._works.begin(delivery.tenant) as work:
            await work.db.execute(_POSTING, delivery.tenant, delivery.request.delivery_id, now)
            work.hop("delivery-posting", delivery_id=delivery.request.delivery_id)

    async def not_posted(self, delivery: Open) -> None:
        """The first request to the platform surely did not bring it there."""
        async with self._works.begin(delivery.tenant) as work:
            await work.db.execute(_NOT_POSTED, delivery.tenant, delivery.request.delivery_id)

    async def conclude(self, delivery: Open, end: End, reason: str) -> None:
        """End it and say so, in one transaction; an end is reached once."""
        now = self._clock.now()
        request = delivery.request
        async with self._works.begin(delivery.tenant) as work:
            ended = await work.db.fetchval(_CONCLUDE, delivery.tenant, request.delivery_id, end.value, reason, now)
            if ended is None:
                return
            concluded = deliveries.DeliveryConcluded(
                delivery_id=request.delivery_id,
                citizen_id=request.citizen_id,
                channel=self.channel,
                state=STATES[end],
                reason=reason,
                occurred_at=stamp(now),
                thread=request.thread,
                version=request.version,
            )
            work.emit(OUTCOMES, request.citizen_id, concluded)
            work.hop(f"delivery-{end.value}", delivery_id=request.delivery_id, reason=reason)
        counter("machi_deliveries_total").labels(self.channel, end.value, reason).inc()

    async def put_off(self, delivery: Open, pause: timedelta, reason: str) -> None:
        """Try again later; the person's later deliveries wait behind it."""
        async with self._works.begin(delivery.tenant) as work:
            await work.db.execute(_PUT_OFF, delivery.tenant, delivery.request.delivery_id, pause, reason)

    async def waiting(self, tenant: str) -> dict[str, int]:
        """How many were tried in vain, by the reason of the last try."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_WAITING, tenant)
        return {row["reason"]: row["n"] for row in rows}

    async def asking(self, tenant: str, citizen_id: str) -> bool:
        """Whether a question was sent to the person just now whose dialogue they are not known to be in yet."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_ASKING, tenant, citizen_id, self._clock.now() - _ARRIVING)
        return any(deliveries.DeliveryRequested.FromString(row["request"]).focus_pod for row in rows)

    async def forget(self, tenant: str) -> None:
        """Remove what ended long ago."""
        old = "tenant = $1 AND concluded_at < $2::timestamptz - interval '180 days'"
        await forget(self._works, tenant, "deliveries", old, tenant, self._clock.now())


def _request(record: Received) -> deliveries.DeliveryRequested:
    if not isinstance(record.event, deliveries.DeliveryRequested):
        raise Invalid("event-type-unknown")
    return record.event


def _row(record: Received, event: deliveries.DeliveryRequested) -> tuple[object, ...]:
    trace = orjson.dumps(dict(record.trace)).decode()
    return (
        record.tenant,
        event.delivery_id,
        event.citizen_id,
        event.thread,
        event.version,
        event.SerializeToString(),
        trace,
        event.send_before.ToDatetime(tzinfo=UTC),
    )


def _open(tenant: str, row: asyncpg.Record) -> Open:
    return Open(
        tenant=tenant,
        request=deliveries.DeliveryRequested.FromString(row["request"]),
        tries=row["tries"],
        reason=row["reason"],
        first_post_at=row["first_post_at"],
        newest_sent=row["newest_sent"],
        trace=row["trace"],
    )
