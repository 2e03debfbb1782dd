"""The rows behind inbound events; of a message that was taken back before it came nothing is kept but its id."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson

from machi.channel.v1.events_pb2 import InboundEvent
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.forgetting import forget
from machi_sdk.inbound.due import Due
from machi_sdk.work import Hop, Work, Works

OPEN = "('received','turned','replying','waiting')"
ENDED = "('done','unknown','ignored','failed')"
LEASE = "interval '8 seconds'"
# The mark on the event that took a message back; the platform may bring the message later.
TAKEN_BACK = "taken back: "
# The reply mark of who says that the person has to wait.
NOTICE = "notice"
# The reply mark of an answer that is pushed, before the moment of the first push.
PUSHED = "push:"
_LOOKED_AHEAD = 192
_LOOK_SECONDS = 1.0
_COLUMNS = (
    "event.id, event.tenant, event.payload, event.trace::text AS trace, event.state, event.stored, event.reply_mark,"
    " event.reason, event.pod, event.tries, event.received_at, event.focus_version"
)
# The first $7 people who have nothing open are leased at once: their events need no claim of their own.
_ACCEPT = f"""
WITH arrived AS (
    SELECT *, EXISTS (
        SELECT 1 FROM inbound_events AS unsent
        WHERE new.message_id <> '' AND unsent.tenant = new.tenant
            AND unsent.message_id = '{TAKEN_BACK}' || new.message_id
    ) AS is_gone
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::jsonb[]) WITH ORDINALITY
        AS new (tenant, event_id, address_key, message_id, payload, trace, place)
), heads AS (
    SELECT *, NOT is_gone AND row_number() OVER (PARTITION BY address_key, is_gone ORDER BY place) = 1
        AND told IS NULL AS is_head
    FROM arrived, LATERAL (
        SELECT max(open.told_waiting) AS told FROM inbound_events AS open
        WHERE open.address_key = arrived.address_key AND open.state IN {OPEN}
    ) AS before
), placed AS (
    SELECT *, is_head AND count(*) FILTER (WHERE is_head) OVER (ORDER BY place) <= $7 AS is_leased FROM heads
)
INSERT INTO inbound_events AS event
    (tenant, event_id, address_key, message_id, payload, trace, state, reason, tries, told_waiting, due_at)
SELECT tenant, event_id, address_key, message_id, CASE WHEN is_gone THEN '' ELSE payload END, trace,
    CASE WHEN is_gone THEN 'ignored' ELSE 'received' END, CASE WHEN is_gone THEN 'taken-back' ELSE '' END,
    is_leased::int, coalesce(told, 0), now() + CASE WHEN is_leased THEN {LEASE} ELSE interval '0' END
FROM placed ORDER BY place
ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""
_DUE = f"""
WITH heads AS (
    SELECT DISTINCT ON (address_key) id, tenant, due_at FROM inbound_events WHERE state IN {OPEN}
    ORDER BY address_key, id
)
SELECT id, tenant FROM heads WHERE due_at <= now()
ORDER BY row_number() OVER (PARTITION BY tenant ORDER BY id), id LIMIT {_LOOKED_AHEAD}
"""
# By the ended states: in calm hours the statistics say that nothing is open, and to name those would lead the planner
# through all that is.
_LEASE = f"""
UPDATE inbound_events AS event SET due_at = now() + {LEASE}, tries = tries + 1,
    state = CASE state WHEN 'waiting' THEN 'received' ELSE state END
WHERE id = ANY($1::bigint[]) AND due_at <= now() AND state NOT IN {ENDED}
RETURNING {_COLUMNS}
"""
_RENEW = f"""
UPDATE inbound_events AS event SET due_at = now() + {LEASE}
FROM unnest($1::bigint[], $2::int[]) AS lease (id, tries)
WHERE event.id = lease.id AND event.tries = lease.tries AND event.state IN {OPEN}
"""
# Whoever is told once is told for all that waits, and for what comes while it does. Nobody is told by what takes a
# message back: it may be that nothing can be said to it.
_LATE = f"""
UPDATE inbound_events AS event SET told_waiting = 1
FROM (SELECT id, address_key FROM (
          SELECT DISTINCT ON (address_key) id, address_key, told_waiting, stored, received_at FROM inbound_events
          WHERE state IN {OPEN} AND message_id NOT LIKE '{TAKEN_BACK}%' ORDER BY address_key, id) AS first
      WHERE told_waiting = 0 AND stored IS NULL AND received_at < now() - make_interval(secs => $1)
      ORDER BY id LIMIT $2) AS head
WHERE event.address_key = head.address_key AND event.state IN {OPEN} AND event.told_waiting = 0
    AND (event.id <> head.id OR event.stored IS NULL)
RETURNING {_COLUMNS}, event.id = head.id AS is_first
"""
# What an unsend finds waiting never comes to a pod, and holds nobody up; what is under way is taken back after it.
_TAKE_BACK = """
UPDATE inbound_events AS event SET state = 'ignored', reason = 'taken-back', payload = ''
FROM unnest($1::text[], $2::text[]) AS unsent (tenant, message_id)
WHERE event.tenant = unsent.tenant AND event.message_id = unsent.message_id AND event.stored IS NULL
    AND (event.state = 'waiting' OR event.state = 'received' AND event.tries = 0)
"""

_FOLLOWED = f"""
SELECT FROM inbound_events AS next JOIN inbound_events AS event USING (address_key)
WHERE event.id = $1 AND next.id > event.id AND next.state IN {OPEN} LIMIT 1
"""


class PendingEvent:
    """One event being handled; its marks are durable the moment they return."""

    def __init__(self, row: asyncpg.Record, works: Works[Work]) -> None:
        self._works = works
        self.id: int = row["id"]
        self.tenant: str = row["tenant"]
        self.event = InboundEvent.FromString(row["payload"])
        self.trace: Mapping[str, str] = orjson.loads(row["trace"])
        self.state: str = row["state"]
        self.stored: bytes | None = row["stored"]
        self.reply_mark: str = row["reply_mark"]  # as it was before this try
        self.marked = ""  # as this try left it
        self.reason: str = row["reason"]  # why the last try was put off
        self.pod: str = row["pod"]
        self.tries: int = row["tries"]
        self.received_at: datetime = row["received_at"]
        self.focus_version: int | None = row["focus_version"]  # of the person's focus, as the kept answer found it

    @property
    def age(self) -> timedelta:
        """How long the person has waited."""
        return datetime.now(UTC) - self.received_at

    def waited_for(self, reason: str, patience: timedelta) -> bool:
        """Whether the last try was put off for this reason, too, and the person has waited longer than that."""
        return self.reason == reason and self.age > patience

    async def mark_turned(self, response: bytes, pod: str, mark: str = "", focus_version: int | None = None) -> None:
        """The pod answered: a retry sends this answer and turns no more. `mark` is the reply mark, if there is none."""
        self.stored, self.pod, self.state, self.focus_version = response, pod, "turned", focus_version
        mark_kept = "reply_mark = coalesce(nullif(reply_mark, ''), $5)"
        sets = f"stored = $3, pod = $4, state = 'turned', {mark_kept}, focus_version = $6"
        self.marked = await self._write(sets, response, pod, mark, focus_version, hop="turned")

    async def mark_replying(self, mark: str) -> None:
        """A first try to answer is about to be made; `mark` says how, so that a retry knows it was ambiguous."""
        self.reply_mark, self.state = mark, "replying"
        await self._write("reply_mark = $3, state = 'replying'", mark)

    async def claim_reply(self, holder: str) -> bool:
        """Reserve the event's one direct reply for `holder`, durably; False when another holder has it."""
        return await self._claimed(holder, "")

    async def claim_notice(self) -> bool:
        """Reserve the direct reply to say that the person has to wait; False once there is an answer.

        Asked right before it is said: the answer may come meanwhile. Who says it has no lease, and no try is asked for.
        """
        return await self._claimed(NOTICE, "AND stored IS NULL")

    async def free_reply(self, holder: str) -> None:
        """Give the direct reply back: `holder` surely did not use it."""
        freed = "UPDATE inbound_events SET reply_mark = '' WHERE id = $1 AND reply_mark = $2"
        await self._works.alone(freed, self.id, holder)

    async def first_push(self, now: datetime) -> datetime:
        """Note that a push is about to be made; returns when the first one was."""
        self.state = "replying"
        sets = f"state = 'replying', reply_mark = CASE WHEN reply_mark LIKE '{PUSHED}%' THEN reply_mark ELSE $3 END"
        mark = await self._write(sets, f"{PUSHED}{now.isoformat()}", hop="pushing")
        return datetime.fromisoformat(mark.removeprefix(PUSHED))

    async def not_pushed(self, former: str) -> None:
        """The push was surely not taken: the reply mark is what it was before."""
        await self._write("reply_mark = $3", former)

    async def is_followed(self) -> bool:
        """Whether the same person's next event waits behind this one."""
        return bool(await self._works.alone(_FOLLOWED, self.id))

    async def mark(self, state: str, reason: str = "") -> None:
        """End the event: done, unknown, ignored, or failed, with a slug why."""
        self.state = state
        await self._write("state = $3, reason = $4", state, reason, hop=f"inbound-{state}")

    async def wait(self, seconds: float, reason: str) -> None:
        """Come back later; later events of the same person wait behind this one."""
        self.state = "waiting"
        sets = "state = 'waiting', reason = $3, due_at = now() + make_interval(secs => $4)"
        await self._write(sets, reason, seconds)

    async def _claimed(self, holder: str, more: str) -> bool:
        where = f"id = $1 AND reply_mark IN ('', $2) AND state IN {OPEN} {more}"
        update = f"UPDATE inbound_events SET reply_mark = $2 WHERE {where} RETURNING id"
        left = Hop("replying", {"event_id": self.event.event_id, "holder": holder})
        return bool(await self._works.alone(update, self.id, holder, hop=left))

    async def _write(self, sets: str, *values: object, hop: str = "") -> str:
        # Each claim counts a try: who comes with an older count has lost the event to another process.
        fence = f"WHERE id = $1 AND tries = $2 AND state IN {OPEN}"
        update = f"UPDATE inbound_events SET {sets} {fence} RETURNING reply_mark"
        left = Hop(hop, {"event_id": self.event.event_id, "pod": self.pod}) if hop else None
        rows = await self._works.alone(update, self.id, self.tries, *values, hop=left)
        if not rows:
            raise Unavailable("lease-lost")
        mark: str = rows[0]["reply_mark"]
        return mark


class EventRows:
    """Statements over all inbound rows of the pod."""

    def __init__(self, works: Works[Work]) -> None:
        self._works = works
        self._due = Due()

    async def accept(self, records: Sequence[Received], work: Work, lease: int) -> tuple[list[PendingEvent], int]:
        """Enter events in the consumer's transaction; one already here is left alone. Invalid for another kind.

        Returns at most `lease` of them, leased to the caller once the transaction is committed, and how many more
        were entered.
        """
        columns = [list(column) for column in zip(*map(_row, records), strict=True)]
        rows = await work.db.fetch(_ACCEPT, *columns, lease)
        unsent = [(record.tenant, said) for record in records if (said := _taken_back_by(record))]
        if unsent:
            await work.db.execute(_TAKE_BACK, *map(list, zip(*unsent, strict=True)))
        for record in records:
            work.hop_of(record.trace_id, "inbound-stored", {"event_id": record.event_id})
        leased = [PendingEvent(row, self._works) for row in rows if row["tries"]]
        return leased, sum(row["state"] == "received" for row in rows) - len(leased)

    async def claim(self, count: int, under_way: Mapping[str, int]) -> list[PendingEvent]:
        """Lease the first open event of up to `count` people whose time has come; fewer only if there are no more.

        Of tenants the one that has the fewest under way goes first.
        """
        now = asyncio.get_running_loop().time()
        leased = await self._lease(self._due.take(count, under_way)) if now < self._due.until else []
        if len(leased) < count:
            found = await self._works.alone(_DUE)
            self._due = Due([(row["id"], row["tenant"]) for row in found], now + _LOOK_SECONDS)
            more = Counter(under_way) + Counter(event.tenant for event in leased)
            leased += await self._lease(self._due.take(count - len(leased), more))
        return leased

    async def late(self, after_seconds: float, most: int) -> list[PendingEvent]:
        """The first open event of `most` people who have waited that long and were not told yet; marks them told."""
        rows = await self._works.alone(_LATE, after_seconds, most)
        return [PendingEvent(row, self._works) for row in rows if row["is_first"]]

    async def renew(self, leases: Mapping[int, int]) -> None:
        """Keep the leases of events still being handled, each by the count of its tries: a lost one is another's."""
        if leases:
            await self._works.alone(_RENEW, list(leases), list(leases.values()))

    async def open_by_state(self) -> dict[str, int]:
        """How many are open, by state."""
        rows = await self._works.alone(
            f"SELECT state, count(*) AS n FROM inbound_events WHERE state IN {OPEN} GROUP BY state"
        )
        return {row["state"]: row["n"] for row in rows}

    async def waiting(self) -> dict[str, int]:
        """How many were tried in vain, by the reason of the last try."""
        rows = await self._works.alone(
            "SELECT reason, count(*) AS n FROM inbound_events WHERE state = 'waiting' GROUP BY reason"
        )
        return {row["reason"]: row["n"] for row in rows}

    async def forget(self) -> None:
        """Blank what people wrote once it is handled and 72 hours old; drop event ids after 8 days."""
        ended = f"state NOT IN {OPEN} AND received_at < now()"
        said = f"{ended} - interval '72 hours' AND payload <> ''"
        await forget(self._works, "", "inbound_events", said, sets="payload = '', stored = NULL")
        await forget(self._works, "", "inbound_events", f"{ended} - interval '8 days'")

    async def _lease(self, ids: list[int]) -> list[PendingEvent]:
        rows = await self._works.alone(_LEASE, ids) if ids else []
        return [PendingEvent(row, self._works) for row in rows]


def _taken_back_by(record: Received) -> str:
    """The id of the message that an event takes back; empty for all other events."""
    return record.event.unsent.message_id if isinstance(record.event, InboundEvent) else ""


def _row(record: Received) -> tuple[str, str, str, str, bytes, str]:
    if not isinstance(record.event, InboundEvent):
        raise Invalid("event-type-unknown")
    trace = orjson.dumps(dict(record.trace)).decode()
    event = record.event
    unsent = _taken_back_by(record)
    message_id = TAKEN_BACK + unsent if unsent else event.message_id
    return record.tenant, event.event_id, record.key, message_id, event.SerializeToString(), trace
