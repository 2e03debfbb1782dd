"""Identity over gRPC."""

from typing import TYPE_CHECKING

from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub

if TYPE_CHECKING:
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

from machi_sdk.rpc import Peers, for_tenant

SECONDS = 1.5


class IdentityPeople:
    """Asks the identity pod; answers as the five kinds of error."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def resolve(self, tenant: str, address: str) -> identity.ResolveResponse:
        """Who writes."""
        request = identity.ResolveRequest(channel="line", address=address)
        return await self._stub.Resolve(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def focus(self, tenant: str, request: identity.SetFocusRequest) -> None:
        """Set the dialogue the person is in; Conflict when it moved on."""
        await self._stub.SetFocus(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def release(self, tenant: str, request: identity.ReleaseAddressRequest) -> identity.ReleaseAddressResponse:
        """The address, if it may be used now."""
        return await self._stub.ReleaseAddress(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def reachable(self, tenant: str, request: identity.SetReachableRequest) -> None:
        """Tell whether LINE lets us reach the person."""
        await self._stub.SetReachable(request, timeout=SECONDS, metadata=for_tenant(tenant))

    @property
    def _stub(self) -> "IdentityServiceAsyncStub":
        return IdentityServiceStub(self._peers.channel("identity"))
