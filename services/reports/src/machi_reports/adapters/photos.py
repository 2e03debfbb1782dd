"""Photos in PostgreSQL."""

from datetime import datetime, timedelta

from machi_reports.ports import StoredPhoto
from machi_sdk.work import Work

LOOSE_FOR = timedelta(hours=48)
# A few per new photo: loose ones cannot pile up, and no sweep is needed.
_SWEEP = """
DELETE FROM photos WHERE tenant = $1 AND photo_id IN (
    SELECT photo_id FROM photos WHERE tenant = $1 AND report_id IS NULL AND stored_at < $2
    ORDER BY stored_at LIMIT 20 FOR UPDATE SKIP LOCKED)
"""
_ADD = """
INSERT INTO photos (tenant, photo_id, citizen_id, event_id, jpeg, stored_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, event_id) DO NOTHING RETURNING photo_id
"""
_OF_EVENT = "SELECT photo_id FROM photos WHERE tenant = $1 AND event_id = $2"
_ATTACH = """
UPDATE photos SET report_id = $3 WHERE tenant = $1 AND photo_id = $2 AND citizen_id = $4 AND report_id IS NULL
    AND jpeg IS NOT NULL
RETURNING photo_id
"""
_LOOSE = """
SELECT photo_id FROM photos
WHERE tenant = $1 AND photo_id = $2 AND citizen_id = $3 AND report_id IS NULL AND jpeg IS NOT NULL
"""
_OF_REPORT = """
SELECT photo_id FROM photos WHERE tenant = $1 AND report_id = $2 AND jpeg IS NOT NULL ORDER BY stored_at, photo_id
"""
_READ = "SELECT jpeg FROM photos WHERE tenant = $1 AND photo_id = $2 AND report_id = $3"


class PgPhotos:
    """`ports.Photos` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, photo: StoredPhoto, at: datetime) -> str:
        """See the port."""
        await self._work.db.execute(_SWEEP, self._work.tenant, at - LOOSE_FOR)
        values = (photo.photo_id, photo.citizen_id, photo.event_id, photo.jpeg, at)
        added: str | None = await self._work.db.fetchval(_ADD, self._work.tenant, *values)
        return added or await self.of_event(photo.event_id) or photo.photo_id

    async def of_event(self, event_id: str) -> str | None:
        """See the port."""
        return await self._text(_OF_EVENT, event_id)

    async def attach(self, photo_id: str, report_id: str, citizen_id: str) -> bool:
        """See the port."""
        return await self._text(_ATTACH, photo_id, report_id, citizen_id) is not None

    async def is_loose(self, photo_id: str, citizen_id: str) -> bool:
        """See the port."""
        return await self._text(_LOOSE, photo_id, citizen_id) is not None

    async def of_report(self, report_id: str) -> list[str]:
        """See the port."""
        rows = await self._work.db.fetch(_OF_REPORT, self._work.tenant, report_id)
        return [row["photo_id"] for row in rows]

    async def read(self, photo_id: str, report_id: str) -> bytes | None:
        """See the port."""
        jpeg: bytes | None = await self._work.db.fetchval(_READ, self._work.tenant, photo_id, report_id)
        return jpeg

    async def _text(self, statement: str, *values: str) -> str | None:
        found: str | None = await self._work.db.fetchval(statement, self._work.tenant, *values)
        return found
