"""One-time codes for linking, and wrong ones, on PostgreSQL."""

from datetime import datetime, timedelta

from machi_identity.domain.linking import Misses, Offer
from machi_sdk.work import Work

_KEPT = timedelta(days=1)
_FORGET_CODES = "DELETE FROM link_codes WHERE tenant = $1 AND expires_at < $2"
_FORGET_MISSES = "DELETE FROM link_misses WHERE tenant = $1 AND last_at < $2"
_PUT = """
INSERT INTO link_codes (tenant, citizen_id, code_hash, channel, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, citizen_id) DO UPDATE SET code_hash = $3, channel = $4, expires_at = $5, used_at = NULL
"""
_FIND = """
SELECT coalesce(a.citizen_id, c.citizen_id) AS citizen_id, c.channel, c.expires_at, c.used_at IS NOT NULL AS used
FROM link_codes c LEFT JOIN aliases a ON a.tenant = $1 AND a.former_id = c.citizen_id
WHERE c.tenant = $1 AND c.code_hash = $2
"""
_USE = "UPDATE link_codes SET used_at = $3 WHERE tenant = $1 AND code_hash = $2"
_MISSES = "SELECT count, last_event, last_at, paused_until FROM link_misses WHERE tenant = $1 AND citizen_id = $2"
_NOTE = """
INSERT INTO link_misses (tenant, citizen_id, count, last_event, last_at, paused_until) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, citizen_id) DO UPDATE SET count = $3, last_event = $4, last_at = $5, paused_until = $6
"""


class PgLinkCodes:
    """`ports.LinkCodes` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def put(self, code_hash: str, offer: Offer, now: datetime) -> None:
        """See the port."""
        db, tenant = self._work.db, self._work.tenant
        await db.execute(_FORGET_CODES, tenant, now - _KEPT)
        await db.execute(_FORGET_MISSES, tenant, now - _KEPT)
        await db.execute(_PUT, tenant, offer.citizen_id, code_hash, offer.channel, offer.expires_at)

    async def find(self, code_hash: str) -> Offer | None:
        """See the port."""
        row = await self._work.db.fetchrow(_FIND, self._work.tenant, code_hash)
        return Offer(*row) if row else None

    async def use(self, code_hash: str, at: datetime) -> None:
        """See the port."""
        await self._work.db.execute(_USE, self._work.tenant, code_hash, at)

    async def misses(self, citizen_id: str) -> Misses:
        """See the port."""
        row = await self._work.db.fetchrow(_MISSES, self._work.tenant, citizen_id)
        return Misses(*row) if row else Misses()

    async def note(self, citizen_id: str, misses: Misses) -> None:
        """See the port."""
        known = (misses.count, misses.last_event, misses.last_at, misses.paused_until)
        await self._work.db.execute(_NOTE, self._work.tenant, citizen_id, *known)
