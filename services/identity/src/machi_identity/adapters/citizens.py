"""Citizens and links on PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from machi.consent.v1.events_pb2 import ReachabilityChanged
from machi_identity.adapters.consents import TOPIC
from machi_identity.domain.citizens import Address, Citizen, Contact, Focus
from machi_sdk.clock import stamp
from machi_sdk.errors import Missing
from machi_sdk.language import default_language
from machi_sdk.work import Work, Works

# Whom the id $2 stands for now.
# A value of its own, by the outer SELECT: under row-level security a condition with `coalesce` is no index condition.
PRESENT = "(SELECT coalesce((SELECT a.citizen_id FROM aliases a WHERE a.tenant = $1 AND a.former_id = $2), $2))"
_TRIES = 3
_FIND_OR_MAKE = "SELECT * FROM find_or_make_citizen($1, $2, $3, $4, $5)"
_FIND = """
SELECT c.citizen_id, coalesce(c.language, t.default_language, '') AS language, c.language IS NOT NULL AS chosen,
       coalesce(c.ward_code, '') AS ward_code, c.focus_pod, c.focus_session_id, c.focus_version, l.reachable,
       ARRAY(
           SELECT a.former_id FROM aliases a WHERE a.tenant = $1 AND a.citizen_id = c.citizen_id
           ORDER BY a.known_at DESC LIMIT 20
       ) AS former_ids
FROM links l JOIN citizens c ON c.tenant = l.tenant AND c.citizen_id = l.citizen_id
LEFT JOIN tenants t ON t.tenant = l.tenant
WHERE l.tenant = $1 AND l.channel = $2 AND l.address = $3
"""
_LOCK = f"SELECT citizen_id FROM citizens WHERE tenant = $1 AND citizen_id = {PRESENT} FOR NO KEY UPDATE"
_FOCUS = f"SELECT focus_pod, focus_session_id, focus_version FROM citizens WHERE tenant = $1 AND citizen_id = {PRESENT}"
_MOVE_FOCUS = f"""
UPDATE citizens SET focus_pod = $4, focus_session_id = $5, focus_version = $6
WHERE tenant = $1 AND citizen_id = {PRESENT} AND focus_version = $3 RETURNING true
"""
# Platforms bring events again later, and not in their order.
_REACHABLE = """
WITH was AS (
    SELECT reachable AS before FROM links WHERE tenant = $1 AND channel = $2 AND address = $3 FOR NO KEY UPDATE
)
UPDATE links SET reachable = CASE WHEN $5 < reachable_at THEN reachable ELSE $4 END,
    reachable_at = greatest(reachable_at, $5::timestamptz)
FROM was WHERE tenant = $1 AND channel = $2 AND address = $3
RETURNING citizen_id, reachable <> before AS changed
"""
_LANGUAGE = "UPDATE citizens SET language = $3, language_at = $4 WHERE tenant = $1 AND citizen_id = $2"
_CONTACT = f"""
SELECT c.citizen_id, coalesce(c.language, t.default_language, '') AS language, coalesce(c.ward_code, '') AS ward_code,
       coalesce((
           SELECT l.channel FROM links l
           WHERE l.tenant = $1 AND l.citizen_id = c.citizen_id AND l.reachable ORDER BY l.heard_at DESC LIMIT 1
       ), '') AS channel
FROM citizens c LEFT JOIN tenants t ON t.tenant = c.tenant
WHERE c.tenant = $1 AND c.citizen_id = {PRESENT}
"""


class PgCitizens:
    """`ports.Citizens` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def find_or_make(self, address: Address, fresh_id: str, at: datetime) -> Citizen:
        """See the port."""
        where = (self._work.tenant, address.channel, address.address)
        return _citizen(await self._work.db.fetchrow(_FIND_OR_MAKE, *where, at, fresh_id))

    async def find(self, address: Address) -> Citizen | None:
        """See the port."""
        row = await self._work.db.fetchrow(_FIND, self._work.tenant, address.channel, address.address)
        return _citizen(row) if row else None

    async def lock(self, citizen_id: str) -> str:
        """See the port. A merge that was quicker leaves no row, but an alias for the next look."""
        for _ in range(_TRIES):
            present: str | None = await self._work.db.fetchval(_LOCK, self._work.tenant, citizen_id)
            if present is not None:
                return present
        raise Missing("citizen-unknown")

    async def focus(self, citizen_id: str) -> Focus | None:
        """See the port."""
        row = await self._work.db.fetchrow(_FOCUS, self._work.tenant, citizen_id)
        return Focus(row["focus_pod"], row["focus_session_id"], row["focus_version"]) if row else None

    async def move_focus(self, citizen_id: str, expected_version: int, to: Focus) -> bool:
        """See the port."""
        return await self._happened(_MOVE_FOCUS, citizen_id, expected_version, to.pod, to.session_id, to.version)

    async def set_reachable(self, address: Address, at: datetime, *, reachable: bool) -> bool:
        """See the port."""
        where = (self._work.tenant, address.channel, address.address)
        row = await self._work.db.fetchrow(_REACHABLE, *where, reachable, at)
        if row is not None and row["changed"]:
            event = ReachabilityChanged(citizen_id=row["citizen_id"], channel=address.channel, reachable=reachable)
            event.occurred_at.CopyFrom(stamp(at))
            self._work.emit(TOPIC, event.citizen_id, event)
        return row is not None

    async def set_language(self, citizen_id: str, language: str, at: datetime) -> None:
        """See the port."""
        await self._work.db.execute(_LANGUAGE, self._work.tenant, citizen_id, language, at)

    async def contact(self, citizen_id: str) -> Contact | None:
        """See the port."""
        row = await self._work.db.fetchrow(_CONTACT, self._work.tenant, citizen_id)
        if row is None:
            return None
        return Contact(row["citizen_id"], row["language"] or default_language(), row["channel"], row["ward_code"])

    async def _happened(self, statement: str, *arguments: str | int | datetime) -> bool:
        found = await self._work.db.fetchval(statement, self._work.tenant, *arguments)
        return bool(found)


@dataclass(frozen=True)
class LoneCitizens:
    """`ports.FindsCitizens` of a tenant, by one statement that is a transaction of its own."""

    works: Works[Work]
    tenant: str

    async def find_or_make(self, address: Address, fresh_id: str, at: datetime) -> Citizen:
        """See the port."""
        where = (self.tenant, address.channel, address.address)
        (row,) = await self.works.alone(_FIND_OR_MAKE, *where, at, fresh_id)
        return _citizen(row)


def _citizen(row: asyncpg.Record | None) -> Citizen:
    assert row is not None
    focus = Focus(row["focus_pod"], row["focus_session_id"], row["focus_version"])
    language = row["language"] or default_language()
    known = (row["citizen_id"], language, row["chosen"], row["ward_code"], focus, row["reachable"])
    return Citizen(*known, former_ids=tuple(row["former_ids"]))
