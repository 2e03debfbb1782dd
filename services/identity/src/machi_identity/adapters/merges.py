"""Two citizens become one, on PostgreSQL, published on machi.citizens.v1.

Beside the turn's own session, which is locked already, locks are taken in one order: merges, then other sessions,
links, codes, and at last citizens. Of two who cross each other there PostgreSQL ends one, who is tried again (decision
0014).
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.consent.v1.events_pb2 import ReachabilityChanged
from machi_identity.adapters import consents
from machi_identity.domain.citizens import Focus
from machi_identity.domain.merging import Person
from machi_sdk.aliases import rekey, stand_alone
from machi_sdk.clock import stamp
from machi_sdk.work import Work

TOPIC = "machi.citizens.v1"
_PERSON = """
SELECT citizen_id, created_at, language, language_at, ward_code, focus_pod, focus_session_id, focus_version
FROM citizens
"""
_PEOPLE = f"""{_PERSON} WHERE tenant = $1 AND citizen_id IN (
    SELECT coalesce(a.citizen_id, asked.id) FROM unnest($2::text[]) AS asked (id)
    LEFT JOIN aliases a ON a.tenant = $1 AND a.former_id = asked.id)
"""
_HOLD = f"{_PERSON} WHERE tenant = $1 AND citizen_id = $2 FOR UPDATE"
_CHANNELS = "SELECT channel FROM links WHERE tenant = $1 AND citizen_id = $2"
_SETTLE = """
UPDATE citizens SET language = $3, language_at = $4, ward_code = $5,
    focus_pod = $6, focus_session_id = $7, focus_version = $8
WHERE tenant = $1 AND citizen_id = $2
"""
_END = (
    "DELETE FROM consents WHERE tenant = $1 AND citizen_id = $2",
    "DELETE FROM citizens WHERE tenant = $1 AND citizen_id = $2",
)
_MAKE = """
INSERT INTO citizens (tenant, citizen_id, language, language_at, ward_code, focus_pod, focus_session_id, focus_version,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_GIVE_CHANNEL = "UPDATE links SET citizen_id = $3 WHERE tenant = $1 AND citizen_id = $2 AND channel = $4"
_GIVE_SESSION = "UPDATE dialogue_sessions SET citizen_id = $3 WHERE tenant = $1 AND citizen_id = $2 AND session_id = $4"


class PgMerges:
    """`ports.Merges` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def people(self, citizen_ids: Sequence[str]) -> list[Person]:
        """See the port."""
        await stand_alone(self._work)
        rows = await self._work.db.fetch(_PEOPLE, self._work.tenant, list(citizen_ids))
        return [_person(row) for row in rows]

    async def channels(self, citizen_id: str) -> frozenset[str]:
        """See the port."""
        rows = await self._work.db.fetch(_CHANNELS, self._work.tenant, citizen_id)
        return frozenset(row["channel"] for row in rows)

    async def move(self, from_id: str, into_id: str) -> None:
        """See the port."""
        await rekey(self._work, from_id, into_id)

    async def hold(self, citizen_id: str) -> Person:
        """See the port."""
        row = await self._work.db.fetchrow(_HOLD, self._work.tenant, citizen_id)
        assert row is not None
        return _person(row)

    async def settle(self, person: Person, gone_id: str, at: datetime) -> None:
        """See the port."""
        await self._work.db.execute(_SETTLE, self._work.tenant, person.citizen_id, *_known(person))
        for statement in _END:
            await self._work.db.execute(statement, self._work.tenant, gone_id)
        event = CitizenMerged(from_id=gone_id, into_id=person.citizen_id, occurred_at=stamp(at))
        self._work.emit(TOPIC, person.citizen_id, event)

    async def part(self, person: Person, leaves: str, channel: str) -> None:
        """See the port."""
        db, tenant = self._work.db, self._work.tenant
        await db.execute(_MAKE, tenant, person.citizen_id, *_known(person), person.created_at)
        await db.execute(_GIVE_CHANNEL, tenant, leaves, person.citizen_id, channel)
        await db.execute(_GIVE_SESSION, tenant, leaves, person.citizen_id, person.focus.session_id)
        gone = ReachabilityChanged(citizen_id=leaves, channel=channel, occurred_at=stamp(person.created_at))
        self._work.emit(consents.TOPIC, leaves, gone)


def _person(row: asyncpg.Record) -> Person:
    known = (row["citizen_id"], row["created_at"], row["language"], row["language_at"], row["ward_code"])
    return Person(*known, Focus(row["focus_pod"], row["focus_session_id"], row["focus_version"]))


def _known(person: Person) -> tuple[object, ...]:
    focus = person.focus
    language = (person.language, person.language_at)
    return (*language, person.ward_code, focus.pod, focus.session_id, focus.version)
