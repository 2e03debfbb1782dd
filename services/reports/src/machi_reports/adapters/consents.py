"""Identity's ledger of decisions, by rpc."""

from typing import TYPE_CHECKING

from machi.consent.v1 import consent_service_pb2 as wire
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi_reports.domain.consent import Chooser, Decision
from machi_sdk.rpc import Peers, for_tenant

if TYPE_CHECKING:
    from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

PURPOSE = "reports.case-updates"
_SECONDS = 1.0
_STATUS = {Decision.GIVEN: wire.CONSENT_STATUS_GIVEN, Decision.REFUSED: wire.CONSENT_STATUS_REFUSED}


class RpcConsents:
    """`ports.Consents` over ConsentService."""

    def __init__(self, peers: Peers, notice_version: int) -> None:
        self._peers = peers
        self._notice_version = notice_version

    async def check(self, tenant: str, citizen_id: str) -> Decision:
        """See the port. A yes to an older notice is not a yes to this one; a no stays a no."""
        request = wire.CheckRequest(citizen_id=citizen_id, purpose=PURPOSE)
        found = await self._stub().Check(request, timeout=_SECONDS, metadata=for_tenant(tenant))
        if found.status in (wire.CONSENT_STATUS_REFUSED, wire.CONSENT_STATUS_WITHDRAWN):
            return Decision.REFUSED
        is_valid = found.status == wire.CONSENT_STATUS_GIVEN and found.notice_version >= self._notice_version
        return Decision.GIVEN if is_valid else Decision.NONE

    async def receives(self, tenant: str, citizen_id: str) -> Decision:
        """See the port."""
        decision = await self.check(tenant, citizen_id)
        if decision is not Decision.GIVEN:
            return decision
        stub: IdentityServiceAsyncStub = IdentityServiceStub(self._peers.channel("identity"))
        contact = await stub.GetContact(
            identity.GetContactRequest(citizen_id=citizen_id), timeout=_SECONDS, metadata=for_tenant(tenant)
        )
        return decision if contact.channel else Decision.UNREACHABLE

    async def decide(self, chooser: Chooser, decision: Decision) -> None:
        """See the port."""
        request = wire.DecideRequest(
            event_id=chooser.event_id,
            citizen_id=chooser.citizen_id,
            purpose=PURPOSE,
            notice_version=self._notice_version,
            status=_STATUS[decision],
            channel=chooser.channel,
        )
        await self._stub().Decide(request, timeout=_SECONDS, metadata=for_tenant(chooser.tenant))

    def _stub(self) -> "ConsentServiceAsyncStub":
        return ConsentServiceStub(self._peers.channel("identity"))
