"""Which objects may lie in the store, whatever became of who wrote them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from machi_sdk.work import Work

_EXPECT = "INSERT INTO photo_objects (tenant, object_key, sweep_at, doomed) VALUES ($1, $2, $3, false)"
# Whoever claimed it has so long to delete it before it is somebody else's to delete.
_CLAIM_FOR = timedelta(minutes=1)
_CLAIM = """
UPDATE photo_objects SET doomed = true, sweep_at = $3 WHERE tenant = $1 AND object_key IN (
    SELECT object_key FROM photo_objects WHERE tenant = $1 AND sweep_at <= $2
    ORDER BY sweep_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING object_key
"""
_FORGET = "DELETE FROM photo_objects WHERE tenant = $1 AND object_key = ANY($2::text[]) AND doomed"


class PgPhotoObjects:
    """`ports.PhotoObjects` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def expect(self, key: str, until: datetime) -> None:
        """See the port."""
        await self._work.db.execute(_EXPECT, self._work.tenant, key, until)

    async def claim(self, now: datetime, most: int) -> list[str]:
        """See the port."""
        rows = await self._work.db.fetch(_CLAIM, self._work.tenant, now, now + _CLAIM_FOR, most)
        return [row["object_key"] for row in rows]

    async def forget(self, keys: Sequence[str]) -> None:
        """See the port."""
        await self._work.db.execute(_FORGET, self._work.tenant, list(keys))
