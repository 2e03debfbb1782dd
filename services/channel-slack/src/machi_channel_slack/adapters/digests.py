"""Digests and their lines on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from machi_channel_slack.adapters.cards import FIRST, NEW, TO_SHOW
from machi_channel_slack.domain.digests import (
    CALM_AFTER,
    MOST_LINES,
    WINDOW,
    DigestKey,
    DigestKind,
    DigestLine,
    DigestState,
    FloodRule,
    LineText,
    Summary,
    Tide,
)
from machi_sdk.ids import derived_id, new_id
from machi_sdk.work import Work, Works

if TYPE_CHECKING:
    import asyncpg

_KEY = "tenant = $1 AND digest_id = $2"
_DESKS_FIRST = f"FROM cards WHERE tenant = $1 AND desk_id = {{}} AND {TO_SHOW} AND {FIRST} AND due_at <= {{}}"
_TIDE = f"""
SELECT waiting, oldest, arrived
FROM (SELECT count(*) AS waiting, min(announced_at) AS oldest {_DESKS_FIRST.format("$2", "$3")}) new,
    (SELECT count(*) AS arrived FROM cards WHERE tenant = $1 AND desk_id = $2 AND announced_at > $4) recent
"""
_MAKE = """
INSERT INTO digests (tenant, digest_id, desk_id, channel_id, ts, kind, more, wanted, shown, made_at, due_at, tries,
    trouble)
VALUES ($1, $2, $3, '', '', $5, $6, 1, 0, $4, $4, 0, '')
ON CONFLICT DO NOTHING RETURNING true
"""
_LIST_THESE = f"""
INSERT INTO digest_lines (tenant, digest_id, card_id, desk_id, place, once, number, brief, opened_ago, link)
SELECT c.tenant, $2, c.card_id, c.desk_id, named.place, false, '', '', '', ''
FROM unnest($4::varchar[]) WITH ORDINALITY AS named (card_id, place)
JOIN cards c ON c.tenant = $1 AND c.card_id = named.card_id AND c.desk_id = $3
WHERE named.place <= {MOST_LINES}
"""
_LIST = f"""
INSERT INTO digest_lines (tenant, digest_id, card_id, desk_id, place, once, number, brief, opened_ago, link)
SELECT tenant, $2, card_id, desk_id, row_number() OVER (ORDER BY announced_at, card_id), true, '', '', '', ''
{_DESKS_FIRST.format("$3", "$4")}
ORDER BY announced_at, card_id LIMIT {MOST_LINES}
"""
# A listed card is as good as shown: its next version, a press, or its turn after the flood gives it its own message.
_HOLD = """
UPDATE cards c SET held = true, shown = c.wanted, tries = 0, trouble = '', due_at = calm.begins + l.place * $4::interval
FROM digest_lines l, (
    SELECT greatest(max(due_at), $3) AS begins FROM cards WHERE tenant = $1 AND desk_id = $5 AND held
) calm
WHERE l.tenant = $1 AND l.digest_id = $2 AND c.tenant = l.tenant AND c.card_id = l.card_id AND c.desk_id = l.desk_id
"""
_NEXT = "SELECT * FROM digests WHERE tenant = $1 AND desk_id = $2 AND wanted > shown AND due_at <= $3"
_NEXT_NEW = f"{_NEXT} AND {NEW} ORDER BY made_at, digest_id LIMIT 1"
_NEXT_CHANGED = f"{_NEXT} AND NOT {NEW} ORDER BY ts <> '', made_at, digest_id LIMIT 1"
_LINES = """
SELECT l.*, c.pod, c.held, c.channel_id, c.ts, c.wanted > c.shown AS is_due
FROM digest_lines l JOIN cards c ON c.tenant = l.tenant AND c.card_id = l.card_id AND c.desk_id = l.desk_id
WHERE l.tenant = $1 AND l.digest_id = $2 ORDER BY l.place
"""
_DESCRIBE = f"""
UPDATE digest_lines SET number = $4, brief = $5, opened_at = $6, opened_ago = $7 WHERE {_KEY} AND card_id = $3
"""
_LINK = f"UPDATE digest_lines SET link = $4 WHERE {_KEY} AND card_id = $3"
_DROP_LINE = f"DELETE FROM digest_lines WHERE {_KEY} AND card_id = $3 RETURNING desk_id"
_LET_GO = "UPDATE cards SET held = false WHERE tenant = $1 AND card_id = $2 AND desk_id = $3"
_ATTEMPT = f"UPDATE digests SET channel_id = $3, attempted_at = $4 WHERE {_KEY}"
_UNATTEMPT = f"UPDATE digests SET channel_id = '', attempted_at = NULL WHERE {_KEY}"
_POSTED = f"UPDATE digests SET channel_id = $3, ts = $4, attempted_at = NULL WHERE {_KEY}"
_SETTLED = f"UPDATE digests SET shown = GREATEST(shown, $3), tries = 0, trouble = '' WHERE {_KEY}"
_PUT_OFF = f"""
UPDATE digests SET due_at = $3, tries = tries + 1, trouble = coalesce(nullif(trouble, ''), $4) WHERE {_KEY}
"""
_RETRY_AT = f"UPDATE digests SET due_at = $3, trouble = $4 WHERE {_KEY}"


class PostgresDigests:
    """`ports.Digests`; each call is its own transaction, because Slack is asked in between."""

    def __init__(self, works: Works[Work], rule: FloodRule) -> None:
        self._works = works
        self._rule = rule

    async def gather(self, tenant: str, desk_id: str, now: datetime) -> bool:
        """Put a desk's new cards into the next digest when it is due; whether they go into digests now."""
        async with self._works.begin(tenant) as work:
            row = await work.db.fetchrow(_TIDE, tenant, desk_id, now, now - WINDOW)
            assert row is not None
            tide = Tide(row["waiting"], row["oldest"], row["arrived"])
            flood = tide.is_flood(self._rule)
            if flood and tide.is_due(now):
                await self._make(work, desk_id, now)
        return flood

    async def next_new(self, tenant: str, desk_id: str, now: datetime) -> DigestState | None:
        """The oldest digest without a message."""
        return await self._digest(tenant, _NEXT_NEW, desk_id, now)

    async def next_changed(self, tenant: str, desk_id: str, now: datetime) -> DigestState | None:
        """The digest to change next; first one whose post is in doubt."""
        return await self._digest(tenant, _NEXT_CHANGED, desk_id, now)

    async def lines(self, key: DigestKey) -> Sequence[DigestLine]:
        """Its lines, in order."""
        async with self._works.begin(key.tenant) as work:
            rows = await work.db.fetch(_LINES, key.tenant, key.digest_id)
        return [_line(row) for row in rows]

    async def describe(self, key: DigestKey, card_id: str, text: LineText) -> None:
        """Keep what a line says."""
        await self._write(key, _DESCRIBE, card_id, text.number, text.brief, text.opened_at, text.opened_ago)

    async def link(self, key: DigestKey, card_id: str, link: str) -> None:
        """Keep where a line's card stands."""
        await self._write(key, _LINK, card_id, link)

    async def drop(self, key: DigestKey, card_id: str) -> None:
        """A card that is none leaves the list."""
        async with self._works.begin(key.tenant) as work:
            desk_id = await work.db.fetchval(_DROP_LINE, key.tenant, key.digest_id, card_id)
            await work.db.execute(_LET_GO, key.tenant, card_id, desk_id)

    async def attempt(self, key: DigestKey, channel: str, at: datetime) -> None:
        """A first post into a channel is about to be made."""
        await self._write(key, _ATTEMPT, channel, at)

    async def unattempt(self, key: DigestKey) -> None:
        """It was refused for certain: nothing was posted."""
        await self._write(key, _UNATTEMPT)

    async def posted(self, key: DigestKey, channel: str, ts: str) -> None:
        """The digest's message is known."""
        await self._write(key, _POSTED, channel, ts)

    async def lost(self, key: DigestKey) -> None:
        """The digest's message is gone."""
        await self._write(key, _POSTED, "", "")

    async def settled(self, key: DigestKey, version: int) -> None:
        """The digest was shown as of then."""
        await self._write(key, _SETTLED, version)

    async def put_off(self, key: DigestKey, due_at: datetime, trouble: str) -> None:
        """Count a try; the next one is not before `due_at`."""
        await self._write(key, _PUT_OFF, due_at, trouble)

    async def retry_at(self, key: DigestKey, due_at: datetime, trouble: str) -> None:
        """The try ended: when the next one is due, and why."""
        await self._write(key, _RETRY_AT, due_at, trouble)

    async def _make(self, work: Work, desk_id: str, now: datetime) -> None:
        digest_id = new_id()
        await work.db.execute(_MAKE, work.tenant, digest_id, desk_id, now, DigestKind.FLOOD.value, 0)
        await work.db.execute(_LIST, work.tenant, digest_id, desk_id, now)
        await work.db.execute(_HOLD, work.tenant, digest_id, now + CALM_AFTER, self._rule.calm, desk_id)

    async def _digest(self, tenant: str, query: str, *values: object) -> DigestState | None:
        async with self._works.begin(tenant) as work:
            row = await work.db.fetchrow(query, tenant, *values)
        return _state(row) if row else None

    async def _write(self, key: DigestKey, statement: str, *values: object) -> None:
        async with self._works.begin(key.tenant) as work:
            await work.db.execute(statement, key.tenant, key.digest_id, *values)


async def list_old(work: Work, summary: Summary) -> None:
    """Make the list of a desk's morning, once; in the consumer's transaction."""
    digest_id = derived_id("summary", work.tenant, summary.pod, summary.desk_id, summary.day)
    made = (work.tenant, digest_id, summary.desk_id, work.clock.now(), DigestKind.SUMMARY.value, summary.more)
    if await work.db.fetchval(_MAKE, *made):
        await work.db.execute(_LIST_THESE, work.tenant, digest_id, summary.desk_id, list(summary.card_ids))


def _state(row: "asyncpg.Record") -> DigestState:
    return DigestState(
        key=DigestKey(row["tenant"], row["digest_id"]),
        desk_id=row["desk_id"],
        channel_id=row["channel_id"],
        ts=row["ts"],
        attempted_at=row["attempted_at"],
        kind=DigestKind(row["kind"]),
        more=row["more"],
        wanted=row["wanted"],
        shown=row["shown"],
        tries=row["tries"],
    )


def _line(row: "asyncpg.Record") -> DigestLine:
    known = row["opened_at"] is not None
    text = LineText(row["number"], row["brief"], row["opened_at"], row["opened_ago"]) if known else None
    place = (row["channel_id"], row["ts"], row["link"])
    return DigestLine(row["card_id"], row["pod"], row["held"], row["is_due"], *place, text)
