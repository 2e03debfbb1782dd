"""Which rich menus this pod made, and which person should see which."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from machi_channel_line.adapters.work import LineWork
from machi_channel_line.ports import DueLink
from machi_sdk.database import Database
from machi_sdk.work import Works

_LIVE = "SELECT language, menu_id, hash FROM menus WHERE tenant = $1 AND state = 'live'"
_ADD = "INSERT INTO menus (tenant, menu_id, language, hash, state) VALUES ($1, $2, $3, $4, 'made')"
_RETIRE = "UPDATE menus SET state = 'old' WHERE tenant = $1 AND language = $2 AND menu_id <> $3"
_PROMOTE = "UPDATE menus SET state = 'live' WHERE tenant = $1 AND menu_id = $2"
# `promote` and `linked` one after another: nobody is recorded with a menu that was retired meanwhile.
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('menu links/' || $1, 1))"
# LINE has room for 1,000 menus. Who keeps one until they write again keeps it among the newest old ones; whose menu is
# older is shown the default one by LINE.
_MOST_OLD = 300
_UNUSED = f"""
SELECT menu_id FROM menus WHERE tenant = $1 AND state = ANY($2::text[]) AND NOT EXISTS (
    SELECT FROM menu_links AS link WHERE link.tenant = $1 AND link.menu_id = menus.menu_id AND NOT (
        link.waits AND menus.state = 'old' AND menus.menu_id NOT IN (
            SELECT old.menu_id FROM menus AS old WHERE old.tenant = $1 AND old.state = 'old'
            ORDER BY old.made_at DESC, old.menu_id LIMIT {_MOST_OLD})))
"""
_ALL = "SELECT menu_id FROM menus WHERE tenant = $1"
_REMOVE = "DELETE FROM menus WHERE tenant = $1 AND menu_id = $2"
_HAD = "UPDATE menu_links SET menu_id = '' WHERE tenant = $1 AND menu_id = $2 AND waits"
# Due to nobody else for a minute: another replica looks for people, too.
_CLAIM = """
WITH due AS (
    SELECT link.citizen_id, menu.menu_id FROM menu_links AS link
    JOIN menus AS menu ON menu.tenant = $1 AND menu.language = link.language AND menu.state = 'live'
    WHERE link.tenant = $1 AND link.due_at <= $2 AND link.menu_id <> menu.menu_id
    ORDER BY link.due_at LIMIT 20 FOR UPDATE OF link SKIP LOCKED
)
UPDATE menu_links AS link SET due_at = $2::timestamptz + interval '1 minute' FROM due
WHERE link.tenant = $1 AND link.citizen_id = due.citizen_id
RETURNING link.citizen_id, link.event_id, link.tries, due.menu_id
"""
# Each is for the wish that was read: who made another one meanwhile stays due.
_LINKED = """
UPDATE menu_links SET menu_id = $4::varchar, tries = 0, due_at = CASE
    WHEN EXISTS (SELECT FROM menus WHERE tenant = $1 AND menu_id = $4 AND state = 'live') THEN timestamptz 'infinity'
    ELSE now() END
WHERE tenant = $1 AND citizen_id = $2 AND event_id = $3
"""
_PUT_OFF = (
    "UPDATE menu_links SET tries = tries + 1, due_at = $4 WHERE tenant = $1 AND citizen_id = $2 AND event_id = $3"
)
_WAIT = (
    "UPDATE menu_links SET waits = true, due_at = 'infinity' WHERE tenant = $1 AND citizen_id = $2 AND event_id = $3"
)
_ANY_WAITING = "SELECT EXISTS (SELECT FROM menu_links WHERE tenant = $1 AND waits)"
# Who chose a language and has no row is a citizen of their own since they unlinked this channel.
_WAKE = """
INSERT INTO menu_links (tenant, citizen_id, language, event_id, menu_id, tries, due_at)
VALUES ($1::text, present_id($1, $2), $3, $4, '', 0, now()) ON CONFLICT (tenant, citizen_id) DO UPDATE
SET waits = false, tries = 0, due_at = now(), event_id = $4 WHERE menu_links.waits
"""
_REMEMBERED = 10_000  # people who surely have a row
# Who has their language's menu has nothing due, all others have: each statement brings some thousands there, so that it
# takes as long in a large city. The first two, by an index of their own, read nobody but those they find.
_SOME = """
UPDATE menu_links SET due_at = {due} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM menu_links WHERE tenant = $1 AND language = $2 AND {which} AND NOT waits LIMIT 5000 FOR UPDATE))
"""
_SETTLE = (
    _SOME.format(which="menu_id < $3 AND due_at = 'infinity'", due="now()"),
    _SOME.format(which="menu_id > $3 AND due_at = 'infinity'", due="now()"),
    _SOME.format(which="menu_id = $3 AND due_at < 'infinity'", due="'infinity'"),
)
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('machi menus', 1))"


class MenuRows:
    """Keeps it in the pod's database."""

    def __init__(self, works: Works[LineWork], database: Database) -> None:
        self._works = works
        self._database = database
        self._waiting: set[str] = set()
        self._have: set[tuple[str, str]] = set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Whether this replica may change menus now."""
        connection = await self._database.connect()
        try:
            yield bool(await connection.fetchval(_LOCK))
        finally:
            await connection.close()

    async def live(self, tenant: str) -> dict[str, tuple[str, str]]:
        """Menu id and hash per language."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_LIVE, tenant)
        return {row["language"]: (row["menu_id"], row["hash"]) for row in rows}

    async def add(self, tenant: str, menu_id: str, language: str, hash_: str) -> None:
        """Remember a menu the moment it is made."""
        await self._execute(tenant, _ADD, menu_id, language, hash_)

    async def promote(self, tenant: str, language: str, menu_id: str) -> None:
        """It is its language's menu from now on; `settle` tells those who have another one."""
        async with self._works.begin(tenant) as work:
            await work.db.execute(_ONE_BY_ONE, tenant)
            await work.db.execute(_RETIRE, tenant, language, menu_id)
            await work.db.execute(_PROMOTE, tenant, menu_id)

    async def wish(self, tenant: str, citizen_id: str, language: str, event_id: str) -> None:
        """Let the person's menu be the one of that language."""
        async with self._works.begin(tenant) as work:
            await work.wish_menu(citizen_id, language, event_id)

    async def settle(self, tenant: str) -> None:
        """Who has the menu of their language has nothing due, all others have; another call ends what one began."""
        for language, (menu_id, _) in (await self.live(tenant)).items():
            for statement in _SETTLE:
                done = ""
                while done != "UPDATE 0":
                    done = await self._execute(tenant, statement, language, menu_id)

    async def unused(self, tenant: str, states: Sequence[str]) -> list[str]:
        """Menus in one of these states that nobody is linked to, and the oldest that only the silent are linked to."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_UNUSED, tenant, list(states))
        return [row["menu_id"] for row in rows]

    async def known(self, tenant: str) -> list[str]:
        """Every menu this pod made and did not remove."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_ALL, tenant)
        return [row["menu_id"] for row in rows]

    async def remove(self, tenant: str, menu_id: str) -> None:
        """It is gone."""
        async with self._works.begin(tenant) as work:
            await work.db.execute(_REMOVE, tenant, menu_id)
            await work.db.execute(_HAD, tenant, menu_id)

    async def claim(self, tenant: str, now: datetime) -> list[DueLink]:
        """People whose menu is not the one of their language; due to no other replica for a minute."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_CLAIM, tenant, now)
            waiting = await work.db.fetchval(_ANY_WAITING, tenant)
        (self._waiting.add if waiting else self._waiting.discard)(tenant)
        return [DueLink(row["citizen_id"], row["event_id"], row["tries"], row["menu_id"]) for row in rows]

    async def linked(self, tenant: str, link: DueLink) -> None:
        """The person has it."""
        async with self._works.begin(tenant) as work:
            await work.db.execute(_ONE_BY_ONE, tenant)
            await work.db.execute(_LINKED, tenant, link.citizen_id, link.event_id, link.menu_id)

    async def put_off(self, tenant: str, link: DueLink, until: datetime) -> None:
        """Try again then."""
        await self._execute(tenant, _PUT_OFF, link.citizen_id, link.event_id, until)

    async def wait(self, tenant: str, link: DueLink) -> None:
        """The person keeps the menu they have until they write again."""
        await self._execute(tenant, _WAIT, link.citizen_id, link.event_id)

    async def wake(self, tenant: str, citizen_id: str, language: str, event_id: str) -> None:
        """The person, who chose that language, wrote: their menu is due if it waited for that, or if they have none."""
        if tenant not in self._waiting and (tenant, citizen_id) in self._have:
            return
        await self._execute(tenant, _WAKE, citizen_id, language, event_id)
        if len(self._have) >= _REMEMBERED:
            self._have.clear()
        self._have.add((tenant, citizen_id))

    async def _execute(self, tenant: str, statement: str, *values: object) -> str:
        async with self._works.begin(tenant) as work:
            return await work.db.execute(statement, tenant, *values)
