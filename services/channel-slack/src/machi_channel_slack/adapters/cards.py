"""Cards and their messages on PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import orjson
from google.protobuf import json_format

from machi.dialogue.v1.desk_card_pb2 import Form
from machi_channel_slack.domain.cards import STRAY, Announced, CardKey, CardState, Lane, PostState
from machi_channel_slack.domain.moments import SKEW, moment_of
from machi_channel_slack.telemetry import NEW_CARD
from machi_sdk.telemetry import histogram
from machi_sdk.work import Work, Works

if TYPE_CHECKING:
    import asyncpg

_KEY = "tenant = $1 AND card_id = $2 AND desk_id = $3"
# As the index has it: what was shown long ago is not looked at again.
TO_SHOW = "(wanted > shown OR held)"
# Nobody in the channel can have seen it.
NEW = "(ts = '' AND attempted_at IS NULL)"
# New to its desk, and free to wait for others: it is neither urgent nor asked for.
FIRST = f"({NEW} AND shown = 0 AND wanted > 0 AND NOT at_once AND NOT held)"
# A line of a list tells all that there is, until there is more to read.
_STAYS_LISTED = "$9 AND cards.held AND cards.wanted <= cards.shown"
_ANNOUNCE = f"""
INSERT INTO cards (tenant, card_id, desk_id, pod, wanted, shown, channel_id, ts, forms, trace, announced_at, due_at,
    at_once, held, tries, trouble)
VALUES ($1, $2, $3, $4, $5, 0, '', '', '{{}}', $6::jsonb, $7, $7, $8, false, 0, '')
ON CONFLICT (tenant, card_id, desk_id) DO UPDATE
SET wanted = excluded.wanted, pod = excluded.pod, trace = excluded.trace, tries = 0,
    shown = CASE WHEN {_STAYS_LISTED} THEN excluded.wanted ELSE cards.shown END,
    due_at = CASE WHEN {_STAYS_LISTED} THEN cards.due_at ELSE excluded.due_at END,
    at_once = cards.at_once OR excluded.at_once
WHERE cards.wanted < excluded.wanted
"""
_FIND = f"SELECT * FROM cards WHERE {_KEY}"
_AT = "SELECT * FROM cards WHERE tenant = $1 AND channel_id = $2 AND ts = $3 AND ts <> ''"
_DESK_IN = "SELECT desk_id FROM cards WHERE tenant = $1 AND channel_id = $2 AND ts <> '' LIMIT 1"
_IN_DOUBT = f"""
SELECT EXISTS (SELECT FROM cards
    WHERE tenant = $1 AND channel_id = $2 AND ts = '' AND attempted_at < $3 AND {TO_SHOW})
"""
_PLACES = """
SELECT card_id, desk_id, channel_id, ts FROM cards JOIN unnest($2::text[], $3::text[]) AS k (card_id, desk_id)
USING (card_id, desk_id) WHERE tenant = $1 AND ts <> ''
"""
_FORM = f"SELECT forms ->> $4 FROM cards WHERE {_KEY}"
_KEEP_FORMS = f"UPDATE cards SET forms = forms || $4::jsonb WHERE {_KEY}"
_ATTEMPT = f"UPDATE cards SET channel_id = $4, attempted_at = $5 WHERE {_KEY}"
_UNATTEMPT = f"UPDATE cards SET channel_id = '', attempted_at = NULL WHERE {_KEY}"
_POSTED = f"""
UPDATE cards SET channel_id = $4, ts = $5, attempted_at = NULL WHERE {_KEY}
RETURNING CASE WHEN shown = 0 AND NOT held THEN extract(epoch FROM $6::timestamptz - announced_at)::float8 END
"""
# Lists that name the card are changed: its line gets a link, or loses its button.
_TOUCH_LISTS = """
UPDATE digests SET wanted = wanted + 1, due_at = $4 WHERE tenant = $1 AND digest_id IN
    (SELECT digest_id FROM digest_lines WHERE tenant = $1 AND card_id = $2 AND desk_id = $3)
"""
_LOST = f"UPDATE cards SET channel_id = '', ts = '', attempted_at = NULL WHERE {_KEY}"
# Of where the card stands anew Slack is asked again.
_UNLINK = f"UPDATE digest_lines SET link = '' WHERE {_KEY}"
_STRAY_CARD = f"""
INSERT INTO posts (tenant, card_id, desk_id, item, attempted_at, ts, file_id, digest)
SELECT tenant, card_id, desk_id, '{STRAY}' || channel_id || '/' || ts, $4::timestamptz, ts, '', '' FROM cards
WHERE {_KEY} AND ts <> '' ON CONFLICT DO NOTHING
"""
# Entries of the thread have a digest, photos a file.
_STRAY_POSTS = f"""
UPDATE posts
SET item = '{STRAY}' || coalesce(nullif(file_id, ''), (SELECT channel_id FROM cards WHERE {_KEY}) || '/' || ts)
WHERE {_KEY} AND item NOT LIKE '{STRAY}%' AND (file_id <> '' OR (digest <> '' AND ts <> ''))
"""
_DROP_REST = f"DELETE FROM posts WHERE {_KEY} AND item NOT LIKE '{STRAY}%'"
# What was announced quietly while it was being posted is not on its message yet.
_LET_GO = f"UPDATE cards SET held = false, shown = least(shown, $4) WHERE {_KEY} AND held RETURNING true"
_SETTLED = f"""
UPDATE cards SET shown = GREATEST(shown, $4), at_once = at_once AND wanted > GREATEST(shown, $4), tries = 0,
    trouble = ''
WHERE {_KEY}
"""
_HURRY = f"UPDATE cards SET at_once = true, due_at = CASE WHEN held THEN $4 ELSE due_at END WHERE {_KEY}"
_PUT_OFF = f"UPDATE cards SET due_at = $4, tries = tries + 1, trouble = coalesce(nullif(trouble, ''), $5) WHERE {_KEY}"
_WAITING = f"""
SELECT desk_id, trouble, count(*) AS n FROM (
    SELECT desk_id, trouble FROM cards WHERE tenant = $1 AND {TO_SHOW} AND tries > 0
    UNION ALL SELECT desk_id, trouble FROM digests WHERE tenant = $1 AND wanted > shown AND tries > 0
) AS tried WHERE trouble NOT IN ('', 'trying', 'slack-limited') GROUP BY desk_id, trouble
"""
_RETRY_AT = f"UPDATE cards SET due_at = $4, trouble = $5 WHERE {_KEY}"
_POSTS = f"SELECT item, attempted_at, ts, file_id, digest FROM posts WHERE {_KEY}"
_PUT_POST = """
INSERT INTO posts (tenant, card_id, desk_id, item, attempted_at, ts, file_id, digest)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant, card_id, desk_id, item) DO UPDATE
SET attempted_at = excluded.attempted_at, ts = excluded.ts, file_id = excluded.file_id, digest = excluded.digest
"""
_DROP_POST = f"DELETE FROM posts WHERE {_KEY} AND item = $4"
_DUE = f"""
SELECT desk_id, {NEW} AS is_new, at_once FROM cards WHERE tenant = $1 AND {TO_SHOW} AND due_at <= $2
UNION SELECT desk_id, {NEW}, false FROM digests WHERE tenant = $1 AND wanted > shown AND due_at <= $2
"""
_NEXT = f"""
SELECT * FROM cards WHERE tenant = $1 AND desk_id = $2 AND {TO_SHOW} AND due_at <= $3 AND card_id <> ALL($4::text[])
"""
_NEXT_AT_ONCE = f"{_NEXT} AND at_once AND $5 = {NEW} ORDER BY due_at, card_id LIMIT 1"
_NEXT_NEW = f"""
{_NEXT} AND NOT at_once AND {NEW} AND NOT ($5 AND ({FIRST} OR (held AND wanted <= shown)))
ORDER BY due_at, card_id LIMIT 1
"""
_NEXT_CHANGED = f"{_NEXT} AND NOT at_once AND NOT {NEW} ORDER BY ts <> '', due_at, card_id LIMIT 1"


class PostgresCards:
    """`ports.Cards`; each call is its own transaction, because Slack is asked in between."""

    def __init__(self, works: Works[Work]) -> None:
        self._works = works

    async def find(self, key: CardKey) -> CardState | None:
        """A card."""
        return await self._card(key.tenant, _FIND, key.card_id, key.desk_id)

    async def at(self, tenant: str, channel: str, ts: str) -> CardState | None:
        """The card a message shows."""
        return await self._card(tenant, _AT, channel, ts)

    async def desk_in(self, tenant: str, channel: str) -> str:
        """The desk whose cards a channel shows; empty when it shows none."""
        async with self._works.begin(tenant) as work:
            return await work.db.fetchval(_DESK_IN, tenant, channel) or ""

    async def in_doubt(self, tenant: str, channel: str, ts: str) -> bool:
        """Whether a message of a channel may show a card whose place is not known yet: it is no older than the try."""
        posted = moment_of(ts)
        if posted is None:
            return False
        async with self._works.begin(tenant) as work:
            return bool(await work.db.fetchval(_IN_DOUBT, tenant, channel, posted + SKEW))

    async def places(self, tenant: str, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        """Channel and ts of the messages that show cards, by card and desk."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_PLACES, tenant, [card for card, _ in keys], [desk for _, desk in keys])
        return {(row["card_id"], row["desk_id"]): (row["channel_id"], row["ts"]) for row in rows}

    async def form(self, key: CardKey, action_id: str) -> Form | None:
        """The form of an action as last shown."""
        async with self._works.begin(key.tenant) as work:
            found = await work.db.fetchval(_FORM, *_of(key), action_id)
        return json_format.Parse(found, Form(), ignore_unknown_fields=True) if found else None

    async def keep_forms(self, key: CardKey, forms: Mapping[str, Form]) -> None:
        """Keep the forms of a card that is about to be shown; those of actions no longer offered stay."""
        if forms:
            kept = {action: json_format.MessageToJson(form, indent=None) for action, form in forms.items()}
            await self._write(key, _KEEP_FORMS, orjson.dumps(kept).decode())

    async def attempt(self, key: CardKey, channel: str, at: datetime) -> None:
        """A first post into a channel is about to be made."""
        await self._write(key, _ATTEMPT, channel, at)

    async def unattempt(self, key: CardKey) -> None:
        """It was refused for certain: nothing was posted."""
        await self._write(key, _UNATTEMPT)

    async def posted(self, key: CardKey, channel: str, ts: str) -> None:
        """The card's message is known."""
        async with self._works.begin(key.tenant) as work:
            waited = await work.db.fetchval(_POSTED, *_of(key), channel, ts, work.clock.now())
            if waited is not None:
                work.then(partial(histogram(NEW_CARD).observe, waited))
            await work.db.execute(_TOUCH_LISTS, *_of(key), work.clock.now())

    async def lost(self, key: CardKey) -> None:
        """The card's message is gone, or out of reach; what was shown there and in its thread becomes strays."""
        async with self._works.begin(key.tenant) as work:
            await work.db.execute(_STRAY_CARD, *_of(key), work.clock.now())
            for statement in (_STRAY_POSTS, _DROP_REST, _LOST, _UNLINK):
                await work.db.execute(statement, *_of(key))

    async def settled(self, key: CardKey, version: int) -> None:
        """The card was shown in this version."""
        async with self._works.begin(key.tenant) as work:
            if await work.db.fetchval(_LET_GO, *_of(key), version):
                await work.db.execute(_TOUCH_LISTS, *_of(key), work.clock.now())
            await work.db.execute(_SETTLED, *_of(key), version)
            work.hop("card-shown", card_id=key.card_id, desk_id=key.desk_id, version=str(version))

    async def put_off(self, key: CardKey, due_at: datetime, trouble: str) -> None:
        """Count a try; the next one is not before `due_at`."""
        await self._write(key, _PUT_OFF, due_at, trouble)

    async def retry_at(self, key: CardKey, due_at: datetime, trouble: str) -> None:
        """The try ended: when the next one is due, and why."""
        await self._write(key, _RETRY_AT, due_at, trouble)

    async def posts(self, key: CardKey) -> Mapping[str, PostState]:
        """What stands in the thread, by item."""
        async with self._works.begin(key.tenant) as work:
            rows = await work.db.fetch(_POSTS, *_of(key))
        return {row["item"]: PostState(**dict(row)) for row in rows}

    async def keep_post(self, key: CardKey, post: PostState) -> None:
        """Something is about to be put into the thread; or, with its `ts`, is there."""
        await self._write(key, _PUT_POST, post.item, post.attempted_at, post.ts, post.file_id, post.digest)

    async def drop_post(self, key: CardKey, item: str) -> None:
        """It is not there: it was refused for certain, or taken away."""
        await self._write(key, _DROP_POST, item)

    async def waiting(self, tenant: str) -> Mapping[tuple[str, str], int]:
        """How many cards and lists were tried in vain, by desk and the reason of the last try."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_WAITING, tenant)
        return {(row["desk_id"], row["trouble"]): row["n"] for row in rows}

    async def due(self, tenant: str, now: datetime) -> Sequence[tuple[str, Lane]]:
        """Desks with something to show, and in which lane."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_DUE, tenant, now)
        return [(row["desk_id"], Lane(row["is_new"], row["at_once"])) for row in rows]

    async def hurry(self, key: CardKey) -> None:
        """Somebody waits for it: it goes before others, and out of its list."""
        async with self._works.begin(key.tenant) as work:
            await work.db.execute(_HURRY, *_of(key), work.clock.now())

    async def next_at_once(
        self, tenant: str, desk_id: str, now: datetime, busy: Collection[str], *, new: bool
    ) -> CardState | None:
        """The card that somebody waits for: one without a message, or one to change; `busy` ones are passed over."""
        return await self._card(tenant, _NEXT_AT_ONCE, desk_id, now, busy, new)

    async def next_new(
        self, tenant: str, desk_id: str, now: datetime, busy: Collection[str], *, in_flood: bool
    ) -> CardState | None:
        """Of a desk's cards without a message the one that has waited longest; in a flood they wait for their list."""
        return await self._card(tenant, _NEXT_NEW, desk_id, now, busy, in_flood)

    async def next_changed(self, tenant: str, desk_id: str, now: datetime, busy: Collection[str]) -> CardState | None:
        """Of a desk's cards to change the one that has waited longest; first those whose post is in doubt."""
        return await self._card(tenant, _NEXT_CHANGED, desk_id, now, busy)

    async def _card(self, tenant: str, query: str, *values: object) -> CardState | None:
        async with self._works.begin(tenant) as work:
            row = await work.db.fetchrow(query, tenant, *values)
        return _state(row) if row else None

    async def _write(self, key: CardKey, statement: str, *values: object) -> None:
        async with self._works.begin(key.tenant) as work:
            await work.db.execute(statement, *_of(key), *values)


async def announce(work: Work, key: CardKey, news: Announced, trace: Mapping[str, str]) -> None:
    """A desk has something newer to see; in the consumer's transaction."""
    carried = orjson.dumps(dict(trace)).decode()
    said = (news.pod, news.version, carried, work.clock.now(), news.urgent, news.quiet)
    await work.db.execute(_ANNOUNCE, *_of(key), *said)


def _of(key: CardKey) -> tuple[str, str, str]:
    return key.tenant, key.card_id, key.desk_id


def _state(row: "asyncpg.Record") -> CardState:
    return CardState(
        key=CardKey(row["tenant"], row["card_id"], row["desk_id"]),
        pod=row["pod"],
        wanted=row["wanted"],
        shown=row["shown"],
        channel_id=row["channel_id"],
        ts=row["ts"],
        attempted_at=row["attempted_at"],
        trace=row["trace"],
        tries=row["tries"],
        at_once=row["at_once"],
    )
