"""A stand-in of identity, as far as reports uses it."""

from dataclasses import dataclass, field

from machi.consent.v1 import consent_service_pb2 as consent
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceServicer
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1 import staff_service_pb2 as staff_wire
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceServicer
from machi_sdk.errors import Conflict, Missing, Unavailable

STAFF = [
    staff_wire.Staff(staff_id=f"staff-{name}", display_name=name, roles=roles, desk_ids=desks)
    for name, roles, desks in (
        ("道路係 担当1", ["officer"], ["roads-chuo"]),
        ("道路係 担当2", ["officer"], ["roads-chuo", "roads-minami"]),
        ("統括", ["lead"], ["roads-chuo", "water"]),
        ("監査", ["auditor"], ["roads-chuo"]),
        ("水道係", ["officer"], ["water"]),
    )
]


@dataclass
class Ledger(ConsentServiceServicer, IdentityServiceServicer, StaffServiceServicer):
    """Identity's ledger, as far as reports uses it, who cannot be reached, and who works for the city."""

    blocked: set[str] = field(default_factory=set)
    statuses: dict[str, "consent.ConsentStatus.ValueType"] = field(default_factory=dict)
    decisions: list[consent.DecideRequest] = field(default_factory=list)
    staff: list[staff_wire.Staff] = field(default_factory=lambda: list(STAFF))
    away: bool = False
    notice: int = 1  # the version of the present one; 0 while none is installed

    async def Check(self, request: consent.CheckRequest, context: object) -> consent.CheckResponse:
        status = self.statuses.get(request.citizen_id, consent.CONSENT_STATUS_UNKNOWN)
        return consent.CheckResponse(status=status, notice_version=1)

    async def GetContact(self, request: identity.GetContactRequest, context: object) -> identity.GetContactResponse:
        channel = "" if request.citizen_id in self.blocked else "line"
        return identity.GetContactResponse(language="ja", channel=channel)

    async def ListStaff(self, request: staff_wire.ListStaffRequest, context: object) -> staff_wire.ListStaffResponse:
        if self.away:
            raise Unavailable("away")
        return staff_wire.ListStaffResponse(staff=self.staff)

    async def Decide(self, request: consent.DecideRequest, context: object) -> consent.DecideResponse:
        if request.notice_version != self.notice:
            raise Conflict("notice-not-current") if self.notice else Missing("purpose-unknown")
        self.decisions.append(request)
        self.statuses[request.citizen_id] = request.status
        return consent.DecideResponse(receipt_id="receipt", status=request.status)
