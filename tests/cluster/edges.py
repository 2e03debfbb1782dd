"""Edges in the running cluster: a declared one passes, an undeclared one is dropped, another pod's token is refused."""

from tests.cluster.kube import RELEASE, Kube

_REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=4).close()
    print("open")
except OSError as error:
    print("closed", type(error).__name__)
"""
_CALL = """
import asyncio, sys
from pathlib import Path
import grpc
from machi.reports.v1 import report_service_pb2 as pb2, report_service_pb2_grpc as rpc
async def main():
    token = Path("/var/run/machi/keys/tokens", sys.argv[2]).read_text().strip()
    async with grpc.aio.insecure_channel(sys.argv[1]) as channel:
        try:
            await rpc.ReportServiceStub(channel).GetUpdate(pb2.GetUpdateRequest(), timeout=5,
                metadata=(("authorization", f"Bearer {token}"), ("machi-tenant", "fukuoka")))
            print("answered")
        except grpc.aio.AioRpcError as error:
            print(error.code().name, error.details())
asyncio.run(main())
"""
DECLARED = (
    ("channel-line", "reports"),
    ("channel-line", "identity"),
    ("reports", "identity"),
    ("notifications", "reports"),
)
UNDECLARED = (
    ("reports", "channel-slack"),
    ("identity", "reports"),
    ("notifications", "channel-line"),
    ("reports", "notifications"),
)
OTHER_PORTS = (("channel-line", f"{RELEASE}-simulator", "5432"), ("channel-line", "kubernetes.default.svc", "443"))


def wrong_edges(kube: Kube) -> list[str]:
    """Edges that are not as the manifests say."""
    wrong = []
    for caller, callee in DECLARED:
        if kube.python(caller, _REACH, _address(kube, callee), "9090") != "open":
            wrong.append(f"{caller} -> {callee} is declared and closed")
    for caller, callee in UNDECLARED:
        if kube.python(caller, _REACH, _address(kube, callee), "9090") == "open":
            wrong.append(f"{caller} -> {callee} is undeclared and open")
    for caller, host, port in OTHER_PORTS:
        if kube.python(caller, _REACH, host, port) == "open":
            wrong.append(f"{caller} -> {host}:{port} is open")
    return wrong


def wrong_tokens(kube: Kube) -> list[str]:
    """Tokens that count where they must not, and the other way round."""
    place = f"{RELEASE}-reports:9090"
    own = kube.python("notifications", _CALL, place, "reports")
    foreign = kube.python("notifications", _CALL, place, "identity")
    wrong = [f"its own token: {own}"] if own.startswith(("PERMISSION_DENIED", "UNAVAILABLE")) else []
    if not foreign.startswith("PERMISSION_DENIED no token of"):
        wrong.append(f"the token for another pod: {foreign}")
    return wrong


def _address(kube: Kube, pod: str) -> str:
    """The pod's own address: a name might not resolve, which would prove nothing."""
    labels = f"app.kubernetes.io/name={pod},app.kubernetes.io/component=pod"
    return str(
        kube.objects("pods", "--selector", labels, "--field-selector", "status.phase=Running")[0]["status"]["podIP"]
    )
