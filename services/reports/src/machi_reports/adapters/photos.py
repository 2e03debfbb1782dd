"""Photos in PostgreSQL: who sent them, which case has them, where they lie."""

from datetime import datetime
from typing import TYPE_CHECKING

from machi_reports.domain.photo import CasePhoto, Imprint, Lying, OldPhoto, Removal, StoredPhoto
from machi_sdk.dialogue.sessions import LIFETIME
from machi_sdk.errors import Unavailable
from machi_sdk.work import Work

if TYPE_CHECKING:
    import asyncpg

_KEPT = "removed_at IS NULL AND (object_key <> '' OR jpeg IS NOT NULL)"
# The object counts from now on: unless the sweep has it already, and then nothing is stored.
_ADD = """
WITH added AS (
    INSERT INTO photos (tenant, photo_id, citizen_id, event_id, stored_at,
        object_key, whole_size, whole_sha256, thumbnail_size, thumbnail_sha256)
    VALUES ($1::text, $2, present_id($1, $3), $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (tenant, event_id) DO NOTHING RETURNING object_key
), named AS (
    UPDATE photo_objects o SET sweep_at = NULL FROM added
    WHERE o.tenant = $1 AND o.object_key = added.object_key AND NOT o.doomed RETURNING o.object_key
)
SELECT (SELECT count(*) FROM added) AS named, (SELECT count(*) FROM named) AS counts
"""
_OF_EVENT = "SELECT photo_id FROM photos WHERE tenant = $1 AND event_id = $2"
_ATTACH = f"""
UPDATE photos SET report_id = $3, position = $5
WHERE tenant = $1 AND photo_id = $2 AND citizen_id = $4 AND report_id IS NULL AND {_KEPT}
RETURNING photo_id
"""
_LOOSE = f"""
SELECT photo_id FROM photos WHERE tenant = $1 AND photo_id = $2 AND citizen_id = $3 AND report_id IS NULL AND {_KEPT}
"""
_OF_REPORT = f"""
SELECT photo_id, {_KEPT} AS kept, coalesce(removed_at, stored_at) AS removed_at, removal
FROM photos WHERE tenant = $1 AND report_id = $2 ORDER BY position, stored_at, photo_id
"""
_FIND = f"SELECT * FROM photos WHERE tenant = $1 AND photo_id = $2 AND report_id = $3 AND {_KEPT}"
# Marked first; the objects follow after the commit, and again until they are gone.
_REMOVE = """
WITH gone AS (
    UPDATE photos SET removed_at = $2, removal = $3, jpeg = NULL, whole_size = 0, whole_sha256 = '',
        thumbnail_size = 0, thumbnail_sha256 = ''
    WHERE tenant = $1 AND removed_at IS NULL AND {which} RETURNING report_id, object_key
), doomed AS (
    UPDATE photo_objects o SET doomed = true, sweep_at = $2 FROM gone
    WHERE o.tenant = $1 AND o.object_key = gone.object_key
)
SELECT report_id FROM gone
"""
_TAKE_BACK = _REMOVE.format(which="event_id = $4")
_EXPIRE = _REMOVE.format(which="report_id = $4")
_DROP = """
WITH gone AS (
    DELETE FROM photos WHERE tenant = $1 AND report_id IS NULL AND photo_id IN ({which}) RETURNING object_key
), doomed AS (
    UPDATE photo_objects o SET doomed = true, sweep_at = $2 FROM gone
    WHERE o.tenant = $1 AND o.object_key = gone.object_key
)
SELECT count(*) FROM gone
"""
_DROP_LOOSE = _DROP.format(
    which="""
SELECT photo_id FROM photos WHERE tenant = $1 AND report_id IS NULL AND stored_at < $3 AND NOT EXISTS (
    SELECT FROM dialogue_sessions AS session WHERE session.tenant = $1
    AND session.citizen_id = photos.citizen_id AND session.ended_at IS NULL AND session.touched_at > $5)
ORDER BY stored_at LIMIT $4 FOR UPDATE SKIP LOCKED
"""
)
# An album comes as many messages: the first of its photos are in the report that is being written, or were in it
# before the correction that is under way, from which there is a way back.
_DROP_BEYOND = _DROP.format(
    which="""
SELECT photo_id FROM (
    SELECT photo_id, row_number() OVER (ORDER BY stored_at DESC, photo_id DESC) AS age FROM photos
    WHERE tenant = $1 AND citizen_id = (SELECT present_id($1, $3)) AND report_id IS NULL
) AS loose
WHERE age > $4 AND photo_id NOT IN (
    SELECT step -> 1 ->> 'media_id' FROM (
        SELECT answers FROM dialogue_sessions WHERE tenant = $1 AND citizen_id = (SELECT present_id($1, $3))
        AND ended_at IS NULL AND touched_at > $5 AND command = 'report' ORDER BY touched_at DESC LIMIT 1
    ) AS writing, jsonb_array_elements((answers -> 'steps') || coalesce(answers -> 'before', '[]')) AS step
    WHERE step -> 1 ->> 'media_id' IS NOT NULL)
"""
)
# A case cannot be closed before its photos came: the index on `stored_at` leaves only old cases to look at.
_CLOSED_BEFORE = """
SELECT DISTINCT p.report_id FROM photos p JOIN reports r ON r.tenant = p.tenant AND r.report_id = p.report_id
WHERE p.tenant = $1 AND p.removed_at IS NULL AND p.stored_at < $2
    AND r.state IN ('resolved', 'rejected') AND coalesce(r.closed_at, r.changed_at) < $2
LIMIT $3
"""
_UNMOVED = "SELECT photo_id, jpeg FROM photos WHERE tenant = $1 AND jpeg IS NOT NULL ORDER BY photo_id LIMIT 1"
_MOVE = """
WITH moved AS (
    UPDATE photos SET jpeg = NULL, object_key = $3, whole_size = $4, whole_sha256 = $5, thumbnail_size = $6,
        thumbnail_sha256 = $7
    WHERE tenant = $1 AND photo_id = $2 AND jpeg IS NOT NULL RETURNING object_key
), named AS (
    UPDATE photo_objects o SET sweep_at = NULL FROM moved
    WHERE o.tenant = $1 AND o.object_key = moved.object_key AND NOT o.doomed RETURNING o.object_key
)
SELECT (SELECT count(*) FROM moved) AS named, (SELECT count(*) FROM named) AS counts
"""


class PgPhotos:
    """`ports.Photos` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, photo: StoredPhoto, at: datetime) -> str:
        """See the port."""
        values = (photo.photo_id, photo.citizen_id, photo.event_id, at, *_lying_values(photo.lying))
        if await self._named(_ADD, *values):
            return photo.photo_id
        return await self.of_event(photo.event_id) or photo.photo_id

    async def of_event(self, event_id: str) -> str | None:
        """See the port."""
        return await self._text(_OF_EVENT, event_id)

    async def attach(self, photo_id: str, report_id: str, citizen_id: str, position: int) -> bool:
        """See the port."""
        return await self._text(_ATTACH, photo_id, report_id, citizen_id, position) is not None

    async def is_loose(self, photo_id: str, citizen_id: str) -> bool:
        """See the port."""
        return await self._text(_LOOSE, photo_id, citizen_id) is not None

    async def of_report(self, report_id: str) -> list[CasePhoto]:
        """See the port."""
        rows = await self._work.db.fetch(_OF_REPORT, self._work.tenant, report_id)
        return [_case_photo(row) for row in rows]

    async def find(self, photo_id: str, report_id: str) -> Lying | OldPhoto | None:
        """See the port."""
        row = await self._work.db.fetchrow(_FIND, self._work.tenant, photo_id, report_id)
        if row is None:
            return None
        return OldPhoto(photo_id, row["jpeg"]) if row["jpeg"] is not None else _lying(row)

    async def take_back(self, event_id: str, at: datetime) -> list[str]:
        """See the port."""
        why = Removal.TAKEN_BACK.value
        rows = await self._work.db.fetch(_TAKE_BACK, self._work.tenant, at, why, event_id)
        return [row["report_id"] for row in rows if row["report_id"] is not None]

    async def expire(self, report_id: str, at: datetime) -> int:
        """See the port."""
        why = Removal.TOO_OLD.value
        return len(await self._work.db.fetch(_EXPIRE, self._work.tenant, at, why, report_id))

    async def drop_loose(self, before: datetime, most: int, at: datetime) -> int:
        """See the port."""
        asked = (self._work.tenant, at, before, most, at - LIFETIME)
        dropped: int = await self._work.db.fetchval(_DROP_LOOSE, *asked)
        return dropped

    async def drop_beyond(self, most: int, citizen_id: str, at: datetime) -> None:
        """See the port."""
        await self._work.db.execute(_DROP_BEYOND, self._work.tenant, at, citizen_id, most, at - LIFETIME)

    async def closed_before(self, moment: datetime, most: int) -> list[str]:
        """See the port."""
        rows = await self._work.db.fetch(_CLOSED_BEFORE, self._work.tenant, moment, most)
        return [row["report_id"] for row in rows]

    async def unmoved(self) -> OldPhoto | None:
        """See the port."""
        row = await self._work.db.fetchrow(_UNMOVED, self._work.tenant)
        return OldPhoto(row["photo_id"], row["jpeg"]) if row else None

    async def move(self, photo_id: str, lying: Lying) -> bool:
        """See the port."""
        return await self._named(_MOVE, photo_id, *_lying_values(lying))

    async def _named(self, statement: str, *values: str | int | datetime) -> bool:
        """Whether a row names the object now; Unavailable when the sweep was there first: then nothing is stored."""
        (row,) = await self._work.db.fetch(statement, self._work.tenant, *values)
        if row["named"] != row["counts"]:
            raise Unavailable("photo-object-swept")
        return bool(row["named"])

    async def _text(self, statement: str, *values: str | int) -> str | None:
        found: str | None = await self._work.db.fetchval(statement, self._work.tenant, *values)
        return found


def _lying_values(lying: Lying) -> tuple[str, int, str, int, str]:
    return lying.key, lying.whole.size, lying.whole.sha256, lying.thumbnail.size, lying.thumbnail.sha256


def _lying(row: "asyncpg.Record") -> Lying:
    whole = Imprint(row["whole_size"], row["whole_sha256"])
    return Lying(row["object_key"], whole, Imprint(row["thumbnail_size"], row["thumbnail_sha256"]))


def _case_photo(row: "asyncpg.Record") -> CasePhoto:
    if row["kept"]:
        return CasePhoto(row["photo_id"])
    return CasePhoto(row["photo_id"], row["removed_at"], Removal(row["removal"] or Removal.TAKEN_BACK))
