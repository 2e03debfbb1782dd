"""The municipality, its desks and staff on PostgreSQL; written twice it is the same."""

from collections.abc import Collection, Mapping

import asyncpg
import orjson

from machi_identity.domain.staff import Desk, Staff, Tenant
from machi_sdk.work import Work

_TENANT = "SELECT names, default_language, time_zone, languages FROM tenants WHERE tenant = $1"
_PUT_TENANT = (
    "INSERT INTO tenants (tenant, names, default_language, time_zone, languages) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (tenant) DO UPDATE SET names = excluded.names, default_language = excluded.default_language,"
    " time_zone = excluded.time_zone, languages = excluded.languages"
)
_SIZES = (
    "SELECT (SELECT count(*) FROM desks WHERE tenant = $1) AS desks,"
    " (SELECT count(*) FROM staff WHERE tenant = $1) AS staff"
)
_DESKS = "SELECT desk_id, name, titles, phone, language FROM desks WHERE tenant = $1 ORDER BY desk_id"
_PUT_DESK = (
    "INSERT INTO desks (tenant, desk_id, name, titles, phone, language) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (tenant, desk_id) DO UPDATE SET name = excluded.name, titles = excluded.titles,"
    " phone = excluded.phone, language = excluded.language"
)
_STAFF = "SELECT staff_id, display_name, roles, desk_ids, slack_address FROM staff WHERE tenant = $1"
_PUT_STAFF = (
    "INSERT INTO staff (tenant, staff_id, display_name, roles, desk_ids, slack_address) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (tenant, staff_id) DO UPDATE SET display_name = excluded.display_name, roles = excluded.roles,"
    " desk_ids = excluded.desk_ids, slack_address = excluded.slack_address"
)
_REMOVE_STAFF = "DELETE FROM staff WHERE tenant = $1 AND staff_id = ANY($2::text[]) RETURNING staff_id"


class Directory:
    """Tenant, desks, and staff within one work."""

    def __init__(self, work: Work) -> None:
        self._db = work.db
        self._tenant = work.tenant

    async def tenant(self) -> Tenant | None:
        """The municipality; None when it was never put."""
        row = await self._db.fetchrow(_TENANT, self._tenant)
        if row is None:
            return None
        return Tenant(row["names"], row["default_language"], row["time_zone"], tuple(row["languages"]))

    async def put_tenant(self, tenant: Tenant) -> None:
        """Make the municipality so."""
        names, languages = _json(tenant.names), list(tenant.languages)
        await self._db.execute(_PUT_TENANT, self._tenant, names, tenant.default_language, tenant.time_zone, languages)

    async def sizes(self) -> tuple[int, int]:
        """How many desks and members of staff there are."""
        row = await self._db.fetchrow(_SIZES, self._tenant)
        return (row["desks"], row["staff"]) if row else (0, 0)

    async def desks(self) -> list[Desk]:
        """Desks by id."""
        return [Desk(*row) for row in await self._db.fetch(_DESKS, self._tenant)]

    async def put_desk(self, desk: Desk) -> None:
        """Make the desk so."""
        titles = _json(desk.titles)
        await self._db.execute(_PUT_DESK, self._tenant, desk.desk_id, desk.name, titles, desk.phone, desk.language)

    async def staff(self) -> list[Staff]:
        """Members of staff by id."""
        return [_staff(row) for row in await self._db.fetch(f"{_STAFF} ORDER BY staff_id", self._tenant)]

    async def staff_at(self, slack_address: str) -> Staff | None:
        """The member of staff behind a Slack address; None for strangers."""
        if not slack_address:
            return None
        row = await self._db.fetchrow(f"{_STAFF} AND slack_address = $2", self._tenant, slack_address)
        return _staff(row) if row else None

    async def put_staff(self, staff: Staff) -> None:
        """Make the member of staff so."""
        lists = (list(staff.roles), list(staff.desk_ids))
        await self._db.execute(
            _PUT_STAFF, self._tenant, staff.staff_id, staff.display_name, *lists, staff.slack_address
        )

    async def remove_staff(self, staff_ids: Collection[str]) -> frozenset[str]:
        """Forget members of staff; the ids of those who were there."""
        rows = await self._db.fetch(_REMOVE_STAFF, self._tenant, list(staff_ids))
        return frozenset(row["staff_id"] for row in rows)


def _staff(row: asyncpg.Record) -> Staff:
    return Staff(
        row["staff_id"], row["display_name"], tuple(row["roles"]), tuple(row["desk_ids"]), row["slack_address"]
    )


def _json(words: Mapping[str, str]) -> str:
    return orjson.dumps(dict(words)).decode()
