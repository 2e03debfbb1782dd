"""Reports and identity over rpc."""

from machi.identity.v1.identity_service_pb2 import GetContactRequest
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi.reports.v1.report_service_pb2 import GetUpdateRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_notifications.domain.fact import Contact
from machi_sdk.errors import Missing
from machi_sdk.rpc import for_tenant
from machi_sdk.rpc.client import Peers

_TIMEOUT = 2.0


class ReportsCases:
    """Asks the reports pod."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def words(self, tenant: str, report_id: str, update_id: str) -> str:
        """What the officer wrote in one update; Missing when there is no such update."""
        stub = ReportServiceStub(self._peers.channel("reports"))
        request = GetUpdateRequest(report_id=report_id, update_id=update_id)
        answer = await stub.GetUpdate(request, timeout=_TIMEOUT, metadata=for_tenant(tenant))
        return answer.words


class IdentityPeople:
    """Asks the identity pod."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def contact(self, tenant: str, citizen_id: str) -> Contact:
        """Language and channel; nowhere when the person is unknown."""
        stub = IdentityServiceStub(self._peers.channel("identity"))
        request = GetContactRequest(citizen_id=citizen_id)
        try:
            answer = await stub.GetContact(request, timeout=_TIMEOUT, metadata=for_tenant(tenant))
        except Missing:
            return Contact(citizen_id, language="", channel="")
        return Contact(answer.citizen_id or citizen_id, answer.language, answer.channel)
