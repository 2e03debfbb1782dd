"""What is a person asked before the city may write to them about a case?"""

from machi.consent.v1.consent_service_pb2 import GetNoticeRequest
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi_sdk.rpc import Peers, for_tenant


async def notice(peers: Peers, language: str) -> str:
    """The notice's title."""
    stub = ConsentServiceStub(peers.channel("identity"))
    request = GetNoticeRequest(purpose="reports.case-updates", language=language)
    return (await stub.GetNotice(request, timeout=3.0, metadata=for_tenant("fukuoka"))).title
