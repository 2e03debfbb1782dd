"""StaffService: decode, check, keep."""

from collections.abc import Collection

import grpc
from google.protobuf.message import Message

from machi.identity.v1 import staff_service_pb2 as pb
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceServicer
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.staff import Desk, Staff, Tenant, desk_fault, staff_fault, tenant_fault
from machi_identity.entrypoints.callers import check_own_channel
from machi_sdk.errors import Invalid, Missing
from machi_sdk.language import known
from machi_sdk.rpc import current_call
from machi_sdk.work import Works

_SLACK = "slack"
_Context = grpc.aio.ServicerContext[Message, Message]


class StaffRpc(StaffServiceServicer):
    """The directory of desks and staff; writing needs the operator's credential (manifest)."""

    def __init__(self, works: Works[IdentityWork], tenants: Collection[str]) -> None:
        self._works = works
        self._tenants = sorted(tenants)

    async def ResolveStaff(self, request: pb.ResolveStaffRequest, context: _Context) -> pb.ResolveStaffResponse:
        """The member of staff behind an address of the caller's own channel; Missing for strangers."""
        call = current_call()
        check_own_channel(request.channel)
        async with self._works.begin(call.tenant) as work:
            found = await work.directory.staff_at(request.address) if request.channel == _SLACK else None
        if found is None:
            raise Missing("staff-unknown")
        return pb.ResolveStaffResponse(staff=_wire_staff(found))

    async def ListStaff(self, request: pb.ListStaffRequest, context: _Context) -> pb.ListStaffResponse:
        """Everybody, by id."""
        async with self._works.begin(current_call().tenant) as work:
            return pb.ListStaffResponse(staff=[_wire_staff(one) for one in await work.directory.staff()])

    async def ListDesks(self, request: pb.ListDesksRequest, context: _Context) -> pb.ListDesksResponse:
        """Every desk, by id."""
        async with self._works.begin(current_call().tenant) as work:
            return pb.ListDesksResponse(desks=[_wire_desk(desk) for desk in await work.directory.desks()])

    async def ListTenants(self, request: pb.ListTenantsRequest, context: _Context) -> pb.ListTenantsResponse:
        """Every tenant of the release, by id; each is read as itself."""
        return pb.ListTenantsResponse(tenants=[await self._described(tenant) for tenant in self._tenants])

    async def PutTenant(self, request: pb.PutTenantRequest, context: _Context) -> pb.PutTenantResponse:
        """Make the caller's municipality so."""
        call = current_call()
        if request.tenant_id != call.tenant:
            raise Invalid("tenant-differs", "the call is made for another municipality")
        languages = tuple(request.languages)
        tenant = Tenant(dict(request.names), request.default_language, request.time_zone, languages)
        _refuse(tenant_fault(tenant, known()))
        async with self._works.begin(call.tenant) as work:
            await work.directory.put_tenant(tenant)
        return pb.PutTenantResponse()

    async def PutDesk(self, request: pb.PutDeskRequest, context: _Context) -> pb.PutDeskResponse:
        """Make the desk so."""
        wire = request.desk
        desk = Desk(wire.desk_id, wire.name, dict(wire.titles), wire.phone, wire.language)
        _refuse(desk_fault(desk, known()))
        async with self._works.begin(current_call().tenant) as work:
            await work.directory.put_desk(desk)
        return pb.PutDeskResponse()

    async def PutStaff(self, request: pb.PutStaffRequest, context: _Context) -> pb.PutStaffResponse:
        """Make the member of staff so."""
        wire = request.staff
        staff = Staff(wire.staff_id, wire.display_name, tuple(wire.roles), tuple(wire.desk_ids), wire.slack_address)
        async with self._works.begin(current_call().tenant) as work:
            _refuse(staff_fault(staff, frozenset(desk.desk_id for desk in await work.directory.desks())))
            await work.directory.put_staff(staff)
        return pb.PutStaffResponse()

    async def RemoveStaff(self, request: pb.RemoveStaffRequest, context: _Context) -> pb.RemoveStaffResponse:
        """Forget who left; whoever nobody knows is named."""
        async with self._works.begin(current_call().tenant) as work:
            removed = await work.directory.remove_staff(request.staff_ids)
        return pb.RemoveStaffResponse(unknown_ids=[one for one in request.staff_ids if one not in removed])

    async def _described(self, tenant: str) -> pb.Tenant:
        async with self._works.begin(tenant) as work:
            known = await work.directory.tenant() or Tenant({}, "", "")
            desks, staff = await work.directory.sizes()
        return pb.Tenant(
            tenant_id=tenant,
            names=dict(known.names),
            default_language=known.default_language,
            time_zone=known.time_zone,
            languages=known.languages,
            desks=desks,
            staff=staff,
        )


def _refuse(fault: str) -> None:
    if fault:
        raise Invalid("directory-entry-invalid", fault)


def _wire_staff(staff: Staff) -> pb.Staff:
    return pb.Staff(
        staff_id=staff.staff_id,
        display_name=staff.display_name,
        roles=staff.roles,
        desk_ids=staff.desk_ids,
        slack_address=staff.slack_address,
    )


def _wire_desk(desk: Desk) -> pb.Desk:
    return pb.Desk(
        desk_id=desk.desk_id, name=desk.name, titles=dict(desk.titles), phone=desk.phone, language=desk.language
    )
