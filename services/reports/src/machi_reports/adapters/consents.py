"""Identity's ledger of decisions, by rpc."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from machi.consent.v1 import consent_service_pb2 as wire
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi_reports.domain.consent import Chooser, Decision
from machi_sdk.errors import Conflict, Missing, Unavailable
from machi_sdk.manifest import Purpose
from machi_sdk.rpc import Peers, for_tenant

if TYPE_CHECKING:
    from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

PURPOSE = "reports.case-updates"
_SECONDS = 1.0
# Identity's refusals while the installed manifest is not this pod's.
_ANOTHER_NOTICE = ("notice-not-current", "purpose-unknown")
_DECISIONS = {
    wire.CONSENT_STATUS_GIVEN: Decision.GIVEN,
    wire.CONSENT_STATUS_REFUSED: Decision.REFUSED,
    wire.CONSENT_STATUS_WITHDRAWN: Decision.REFUSED,
}
_STATUS = {Decision.GIVEN: wire.CONSENT_STATUS_GIVEN, Decision.REFUSED: wire.CONSENT_STATUS_REFUSED}


def present_notice(purposes: Iterable[Purpose]) -> Purpose:
    """What people are asked about now; older notices stay listed for those who agreed to them."""
    return max((each for each in purposes if each.purpose == PURPOSE), key=lambda purpose: purpose.version)


class RpcConsents:
    """`ports.Consents` over ConsentService."""

    def __init__(self, peers: Peers, notice_version: int) -> None:
        self._peers = peers
        self._notice_version = notice_version

    async def check(self, tenant: str, citizen_id: str) -> Decision:
        """See the port. A yes to an older notice is not a yes to this one; a no stays a no."""
        found = await self._standing(tenant, citizen_id)
        is_older = found.status == wire.CONSENT_STATUS_GIVEN and found.notice_version < self._notice_version
        return Decision.NONE if is_older else _DECISIONS.get(found.status, Decision.NONE)

    async def receives(self, tenant: str, citizen_id: str) -> Decision:
        """See the port. A yes to an older notice counts as long as identity counts it."""
        found = await self._standing(tenant, citizen_id)
        decision = _DECISIONS.get(found.status, Decision.NONE)
        if decision is not Decision.GIVEN:
            return decision
        stub: IdentityServiceAsyncStub = IdentityServiceStub(self._peers.channel("identity"))
        contact = await stub.GetContact(
            identity.GetContactRequest(citizen_id=citizen_id), timeout=_SECONDS, metadata=for_tenant(tenant)
        )
        return decision if contact.channel else Decision.UNREACHABLE

    async def decide(self, chooser: Chooser, decision: Decision) -> None:
        """See the port."""
        try:
            await self._decide(chooser, decision)
        except (Conflict, Missing) as error:
            if error.slug not in _ANOTHER_NOTICE:
                raise
            # Such a pod is not ready: one whose notice is the present one takes the next try, and asks anew.
            raise Unavailable("notice-changing", "the release is being changed") from error

    async def _decide(self, chooser: Chooser, decision: Decision) -> None:
        request = wire.DecideRequest(
            event_id=chooser.event_id,
            citizen_id=chooser.citizen_id,
            purpose=PURPOSE,
            notice_version=self._notice_version,
            status=_STATUS[decision],
            channel=chooser.channel,
        )
        await self._stub().Decide(request, timeout=_SECONDS, metadata=for_tenant(chooser.tenant))

    async def _standing(self, tenant: str, citizen_id: str) -> wire.CheckResponse:
        request = wire.CheckRequest(citizen_id=citizen_id, purpose=PURPOSE)
        return await self._stub().Check(request, timeout=_SECONDS, metadata=for_tenant(tenant))

    def _stub(self) -> "ConsentServiceAsyncStub":
        return ConsentServiceStub(self._peers.channel("identity"))
