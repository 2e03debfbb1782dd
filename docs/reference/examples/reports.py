"""Where does the trace of a case begin? Errors arrive as one of the five kinds, with their slug."""

from machi.reports.v1.report_service_pb2 import FindCaseRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_sdk.errors import Missing
from machi_sdk.rpc import Peers, for_tenant


async def trace_of(peers: Peers, case_number: str) -> str:
    """The trace id, or the slug that says why there is none."""
    stub = ReportServiceStub(peers.channel("reports"))
    request = FindCaseRequest(case_number=case_number)
    try:
        return (await stub.FindCase(request, timeout=3.0, metadata=for_tenant("fukuoka"))).trace_id
    except Missing as error:
        return error.slug
