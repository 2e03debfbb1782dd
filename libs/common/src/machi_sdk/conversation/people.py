"""Who writes, and how they may be reached: identity over gRPC, for one channel."""

from typing import TYPE_CHECKING

from machi.channel.v1.events_pb2 import InboundEvent
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub

if TYPE_CHECKING:
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

from machi_sdk.rpc import Peers, for_tenant

SECONDS = 1.5


class People:
    """Asks the identity pod; answers as the five kinds of error."""

    def __init__(self, peers: Peers, channel: str) -> None:
        self._peers = peers
        self.channel = channel

    async def resolve(self, tenant: str, address: str) -> identity.ResolveResponse:
        """Who writes."""
        request = identity.ResolveRequest(channel=self.channel, address=address)
        return await self._stub.Resolve(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def known(self, tenant: str, address: str) -> identity.ResolveResponse:
        """Who somebody is that looks at something; Missing for who never wrote: a look makes nobody."""
        request = identity.ResolveRequest(channel=self.channel, address=address, known_only=True)
        return await self._stub.Resolve(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def contact(self, tenant: str, citizen_id: str) -> identity.GetContactResponse:
        """The language they speak, and the channel they used last."""
        request = identity.GetContactRequest(citizen_id=citizen_id)
        return await self._stub.GetContact(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def focus(self, tenant: str, request: identity.SetFocusRequest) -> None:
        """Set the dialogue the person is in; Conflict when it moved on."""
        await self._stub.SetFocus(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def in_answer(self, tenant: str, citizen_id: str, event_id: str) -> str:
        """The address, for the answer to the person's own event; empty while they cannot be reached."""
        request = self._release(citizen_id, identity.RELEASE_BASIS_ANSWER, event_id)
        return (await self._stub.ReleaseAddress(request, timeout=SECONDS, metadata=for_tenant(tenant))).address

    async def under_consent(
        self, tenant: str, citizen_id: str, purpose: str, delivery_id: str
    ) -> identity.ReleaseAddressResponse:
        """The address, if consent allows it at this moment."""
        request = self._release(citizen_id, identity.RELEASE_BASIS_CONSENT, delivery_id)
        request.purpose = purpose
        return await self._stub.ReleaseAddress(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def reachable(self, tenant: str, event: InboundEvent) -> None:
        """Tell whether the platform lets us reach the person: an unfollow says no, everything else yes."""
        request = identity.SetReachableRequest(
            channel=self.channel,
            address=event.address,
            reachable=not event.HasField("unfollowed"),
            event_id=event.event_id,
        )
        request.occurred_at.CopyFrom(event.occurred_at)
        await self._stub.SetReachable(request, timeout=SECONDS, metadata=for_tenant(tenant))

    async def city(self, tenant: str) -> identity.GetTenantResponse:
        """The municipality: what it is called, its languages, the default one."""
        return await self._stub.GetTenant(identity.GetTenantRequest(), timeout=SECONDS, metadata=for_tenant(tenant))

    def _release(
        self, citizen_id: str, basis: "identity.ReleaseBasis.ValueType", reference_id: str
    ) -> identity.ReleaseAddressRequest:
        return identity.ReleaseAddressRequest(
            citizen_id=citizen_id, channel=self.channel, basis=basis, reference_id=reference_id
        )

    @property
    def _stub(self) -> "IdentityServiceAsyncStub":
        return IdentityServiceStub(self._peers.channel("identity"))
