"""The municipality, its desks and staff on PostgreSQL; writing is an upsert, so the same again changes nothing."""

from sqlmodel import select

from machi_identity.adapters.tables import DeskRow, StaffRow, TenantRow
from machi_identity.domain.staff import Desk, Staff, Tenant
from machi_sdk.work import Work


class Directory:
    """Tenant, desks, and staff within one work."""

    def __init__(self, work: Work) -> None:
        self._session = work.session
        self._tenant = work.tenant

    async def tenant(self) -> Tenant | None:
        """The municipality; None when it was never put."""
        row = await self._session.get(TenantRow, self._tenant)
        return Tenant(row.names, row.default_language, row.time_zone) if row else None

    async def put_tenant(self, tenant: Tenant) -> None:
        """Make the municipality so."""
        row = TenantRow(
            tenant=self._tenant,
            names=dict(tenant.names),
            default_language=tenant.default_language,
            time_zone=tenant.time_zone,
        )
        await self._session.merge(row)

    async def desks(self) -> list[Desk]:
        """Desks by id."""
        rows = await self._session.scalars(select(DeskRow).order_by(DeskRow.desk_id))
        return [Desk(row.desk_id, row.name, row.titles, row.phone, row.language) for row in rows]

    async def put_desk(self, desk: Desk) -> None:
        """Make the desk so."""
        row = DeskRow(
            tenant=self._tenant,
            desk_id=desk.desk_id,
            name=desk.name,
            titles=dict(desk.titles),
            phone=desk.phone,
            language=desk.language,
        )
        await self._session.merge(row)

    async def staff(self) -> list[Staff]:
        """Members of staff by id."""
        return [_staff(row) for row in await self._session.scalars(select(StaffRow).order_by(StaffRow.staff_id))]

    async def staff_at(self, slack_address: str) -> Staff | None:
        """The member of staff behind a Slack address; None for strangers."""
        if not slack_address:
            return None
        found = (await self._session.scalars(select(StaffRow).where(StaffRow.slack_address == slack_address))).first()
        return _staff(found) if found else None

    async def put_staff(self, staff: Staff) -> None:
        """Make the member of staff so."""
        row = StaffRow(
            tenant=self._tenant,
            staff_id=staff.staff_id,
            display_name=staff.display_name,
            roles=list(staff.roles),
            desk_ids=list(staff.desk_ids),
            slack_address=staff.slack_address,
        )
        await self._session.merge(row)


def _staff(row: StaffRow) -> Staff:
    return Staff(row.staff_id, row.display_name, tuple(row.roles), tuple(row.desk_ids), row.slack_address)
