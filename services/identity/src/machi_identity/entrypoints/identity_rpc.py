"""IdentityService: decode, use case, encode."""

from collections.abc import Callable
from datetime import UTC

import grpc
from google.protobuf.message import Message

from machi.identity.v1 import identity_service_pb2 as pb
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.citizens import Address, Citizen, Dialogue, Focus
from machi_identity.domain.release import Basis, ReleaseQuestion, Verdict
from machi_identity.entrypoints.callers import check_own_channel
from machi_identity.ports import FindsCitizens
from machi_identity.telemetry import RELEASES
from machi_identity.use_cases.release_address import release_address
from machi_identity.use_cases.resolve_citizen import resolve_citizen
from machi_identity.use_cases.set_focus import set_focus
from machi_identity.use_cases.set_reachable import set_reachable
from machi_sdk.clock import Clock
from machi_sdk.errors import Invalid, Missing
from machi_sdk.language import known
from machi_sdk.rpc import current_call
from machi_sdk.telemetry import counter
from machi_sdk.work import Works

_BASES = {pb.RELEASE_BASIS_CONSENT: Basis.CONSENT, pb.RELEASE_BASIS_ANSWER: Basis.ANSWER}
_VERDICTS = {
    Verdict.RELEASED: pb.RELEASE_VERDICT_RELEASED,
    Verdict.NO_CONSENT: pb.RELEASE_VERDICT_NO_CONSENT,
    Verdict.UNREACHABLE: pb.RELEASE_VERDICT_UNREACHABLE,
}
_Context = grpc.aio.ServicerContext[Message, Message]


class IdentityRpc(IdentityServiceServicer):
    """Answers channel adapters and those who ask how to meet a person."""

    def __init__(self, works: Works[IdentityWork], citizens_of: Callable[[str], FindsCitizens], clock: Clock) -> None:
        self._works = works
        self._citizens_of = citizens_of
        self._clock = clock

    async def Resolve(self, request: pb.ResolveRequest, context: _Context) -> pb.ResolveResponse:
        """The citizen behind an address of the caller's own channel."""
        check_own_channel(request.channel)
        address, tenant = Address(request.channel, request.address), current_call().tenant
        if request.known_only:
            citizen = await self._known(address, tenant)
        else:
            citizen = await resolve_citizen(address, self._citizens_of(tenant), self._clock)
        return pb.ResolveResponse(
            citizen_id=citizen.citizen_id,
            language=citizen.language,
            language_chosen=citizen.language_chosen,
            ward_code=citizen.ward_code,
            focus=_wire(citizen.focus),
            reachable=citizen.reachable,
            former_ids=citizen.former_ids,
        )

    async def _known(self, address: Address, tenant: str) -> Citizen:
        async with self._works.begin(tenant) as work:
            citizen = await work.citizens.find(address)
        if citizen is None:
            raise Missing("citizen-unknown")
        return citizen

    async def SetFocus(self, request: pb.SetFocusRequest, context: _Context) -> pb.SetFocusResponse:
        """Compare-and-set of the focus."""
        wanted = Dialogue(request.pod, request.session_id)
        async with self._works.begin(current_call().tenant) as work:
            focus = await set_focus(request.citizen_id, wanted, request.expected_version, work)
        return pb.SetFocusResponse(focus=_wire(focus))

    async def ReleaseAddress(
        self,
        request: pb.ReleaseAddressRequest,
        context: _Context,
    ) -> pb.ReleaseAddressResponse:
        """The address, or why not."""
        question = _question(request)
        async with self._works.begin(current_call().tenant) as work:
            release = await release_address(question, work, self._clock)
        counter(RELEASES).labels(question.channel, question.basis.value, release.verdict.value).inc()
        return pb.ReleaseAddressResponse(
            verdict=_VERDICTS[release.verdict], address=release.address, focus=_wire(release.focus)
        )

    async def SetReachable(self, request: pb.SetReachableRequest, context: _Context) -> pb.SetReachableResponse:
        """Follow, unfollow, block."""
        check_own_channel(request.channel)
        address = Address(request.channel, request.address)
        said = request.occurred_at.ToDatetime(tzinfo=UTC) if request.HasField("occurred_at") else self._clock.now()
        async with self._works.begin(current_call().tenant) as work:
            await set_reachable(address, work, said, reachable=request.reachable)
        return pb.SetReachableResponse()

    async def GetContact(self, request: pb.GetContactRequest, context: _Context) -> pb.GetContactResponse:
        """Language, channel, ward."""
        async with self._works.begin(current_call().tenant) as work:
            contact = await work.citizens.contact(request.citizen_id)
        if contact is None:
            raise Missing("citizen-unknown")
        return pb.GetContactResponse(
            language=contact.language,
            channel=contact.channel,
            ward_code=contact.ward_code,
            citizen_id=contact.citizen_id,
        )

    async def GetTenant(self, request: pb.GetTenantRequest, context: _Context) -> pb.GetTenantResponse:
        """The caller's municipality."""
        async with self._works.begin(current_call().tenant) as work:
            tenant = await work.directory.tenant()
        if tenant is None:
            raise Missing("tenant-unknown")
        return pb.GetTenantResponse(
            names=tenant.names,
            languages=tenant.offered(known()),
            default_language=tenant.default_language,
            time_zone=tenant.time_zone,
        )


def _question(request: pb.ReleaseAddressRequest) -> ReleaseQuestion:
    basis = _BASES.get(request.basis)
    if basis is None:
        raise Invalid("basis-missing", "say whether it is by consent or an answer")
    purpose = request.purpose if basis is Basis.CONSENT else ""
    caller = current_call().caller
    return ReleaseQuestion(caller, request.citizen_id, request.channel, basis, purpose, request.reference_id)


def _wire(focus: Focus) -> pb.Focus:
    return pb.Focus(pod=focus.pod, session_id=focus.session_id, version=focus.version)
