"""Pods of the running stack, with the keys they were given: who asks for more than it declared gets nothing."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1 import staff_service_pb2 as staff
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi.pods.v1 import pod_registry_service_pb2 as pods
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceStub
from machi_sdk.rpc import for_tenant

pytestmark = [pytest.mark.integration, pytest.mark.stack]
STRANGER = identity.GetContactRequest(citizen_id="nobody-of-ours")
ADDRESS = identity.ReleaseAddressRequest(
    citizen_id="nobody-of-ours", channel="line", basis=identity.RELEASE_BASIS_ANSWER, reference_id="r-1"
)


@dataclass(frozen=True)
class Caller:
    """Whoever holds the tokens that notifications was given, at identity's door."""

    state: Path
    channel: grpc.aio.Channel

    def metadata(self, callee: str = "identity", tenant: str = "fukuoka") -> tuple[tuple[str, str], ...]:
        """Metadata with the token for a callee."""
        token = (self.state / "keys" / "notifications" / "tokens" / callee).read_text().strip()
        return (*for_tenant(tenant), ("authorization", f"Bearer {token}"))

    async def contact(self, callee: str = "identity", tenant: str = "fukuoka") -> object:
        """Ask how a stranger is met."""
        metadata = self.metadata(callee, tenant)
        return await IdentityServiceStub(self.channel).GetContact(STRANGER, timeout=30, metadata=metadata)


@pytest.fixture
async def caller(stack: Path) -> AsyncIterator[Caller]:
    """At the door of the running identity."""
    found = json.loads((stack / "state.json").read_text())["pods"]
    address = next(pod["rpc"] for pod in found if pod["name"] == "identity")
    async with grpc.aio.insecure_channel(address) as channel:
        yield Caller(stack, channel)


Ask = Callable[[Caller], Awaitable[object]]
ASKED: dict[str, tuple[Ask, grpc.StatusCode, str]] = {
    "what it may": (
        lambda by: by.contact(),
        grpc.StatusCode.NOT_FOUND,
        "citizen-unknown",
    ),
    "with a token made for another callee": (
        lambda by: by.contact(callee="reports"),
        grpc.StatusCode.PERMISSION_DENIED,
        "token-refused",
    ),
    "about another tenant": (
        lambda by: by.contact(tenant="kitakyushu"),
        grpc.StatusCode.INVALID_ARGUMENT,
        "tenant-unknown",
    ),
    "a service it did not declare": (
        lambda by: StaffServiceStub(by.channel).ListStaff(staff.ListStaffRequest(), timeout=30, metadata=by.metadata()),
        grpc.StatusCode.PERMISSION_DENIED,
        "caller-not-declared",
    ),
    "an address, and is no channel": (
        lambda by: IdentityServiceStub(by.channel).ReleaseAddress(ADDRESS, timeout=30, metadata=by.metadata()),
        grpc.StatusCode.PERMISSION_DENIED,
        "not-your-channel",
    ),
    "what only an operator may": (
        lambda by: PodRegistryServiceStub(by.channel).InstallPod(
            pods.InstallPodRequest(), timeout=30, metadata=by.metadata()
        ),
        grpc.StatusCode.PERMISSION_DENIED,
        "caller-not-declared",
    ),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_a_pod_asks(caller: Caller, asked: str) -> None:
    ask, status, slug = ASKED[asked]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(caller)
    trailing = dict(refused.value.trailing_metadata() or ())
    assert (refused.value.code(), trailing.get("machi-error")) == (status, slug)
