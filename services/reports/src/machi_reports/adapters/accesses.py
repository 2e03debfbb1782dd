"""The access log in PostgreSQL."""

from machi_sdk.ids import new_id
from machi_sdk.work import Work

_LOG = "INSERT INTO accesses (tenant, access_id, report_id, what, reader, at) VALUES ($1, $2, $3, $4, $5, $6)"


class PgAccesses:
    """`ports.Accesses` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def log(self, report_id: str, what: str, reader: str) -> None:
        """See the port."""
        await self._work.db.execute(_LOG, self._work.tenant, new_id(), report_id, what, reader, self._work.clock.now())
