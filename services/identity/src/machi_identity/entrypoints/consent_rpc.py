"""ConsentService: decode, use case, encode."""

import grpc
from google.protobuf.message import Message

from machi.consent.v1 import consent_service_pb2 as pb
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceServicer
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import MOST_AT_ONCE, Decision, Status, may_decide
from machi_identity.ports import StandingsNow
from machi_identity.telemetry import DECISIONS
from machi_identity.use_cases.decide_consent import decide_consent
from machi_sdk.clock import Clock
from machi_sdk.errors import Denied, Invalid, Missing
from machi_sdk.rpc import current_call
from machi_sdk.telemetry import counter
from machi_sdk.texts import pick
from machi_sdk.work import Works

_CODES = {status: pb.ConsentStatus.Value(f"CONSENT_STATUS_{status.name}") for status in Status}
_DECIDABLE = {_CODES[status]: status for status in (Status.GIVEN, Status.REFUSED, Status.WITHDRAWN)}
_Context = grpc.aio.ServicerContext[Message, Message]


class ConsentRpc(ConsentServiceServicer):
    """What people allow, always read on the primary."""

    def __init__(self, works: Works[IdentityWork], standings: StandingsNow, clock: Clock) -> None:
        self._works = works
        self._standings = standings
        self._clock = clock

    async def Decide(self, request: pb.DecideRequest, context: _Context) -> pb.DecideResponse:
        """Append one decision; the same event id again returns the first outcome."""
        decision = Decision(
            request.event_id,
            request.citizen_id,
            request.purpose,
            request.notice_version,
            _DECIDABLE.get(request.status, Status.UNKNOWN),
            request.channel,
        )
        call = current_call()
        if not may_decide(call.caller, decision):
            raise Denied("not-your-purpose", "a pod decides about its own purposes; any pod may bring a withdrawal")
        async with self._works.begin(call.tenant) as work:
            entry = await decide_consent(decision, work, self._clock)
        counter(DECISIONS).labels(decision.status.value).inc()
        response = pb.DecideResponse(receipt_id=entry.receipt_id, status=_CODES[entry.decision.status])
        response.decided_at.FromDatetime(entry.decided_at)
        return response

    async def Check(self, request: pb.CheckRequest, context: _Context) -> pb.CheckResponse:
        """What stands now for one citizen."""
        standing = await self._standings.of_one(current_call().tenant, request.citizen_id, request.purpose)
        if standing is None:
            raise Missing("citizen-unknown")
        response = pb.CheckResponse(status=_CODES[standing.status], notice_version=standing.notice_version)
        if standing.decided_at is not None:
            response.decided_at.FromDatetime(standing.decided_at)
        return response

    async def CheckMany(self, request: pb.CheckManyRequest, context: _Context) -> pb.CheckManyResponse:
        """What stands now for each, in the order asked; UNKNOWN for citizens there are not."""
        if len(request.citizen_ids) > MOST_AT_ONCE:
            raise Invalid("too-many-citizens", f"ask for at most {MOST_AT_ONCE} at once")
        tenant = current_call().tenant
        standings = await self._standings.of_many(tenant, list(request.citizen_ids), request.purpose)
        return pb.CheckManyResponse(
            statuses=[_CODES[standing.status if standing else Status.UNKNOWN] for standing in standings]
        )

    async def GetNotice(self, request: pb.GetNoticeRequest, context: _Context) -> pb.GetNoticeResponse:
        """The present notice in one language, else in the default one."""
        async with self._works.begin(current_call().tenant) as work:
            notice = await work.notices.current(request.purpose)
        if notice is None:
            raise Missing("purpose-unknown", "no installed pod declares this purpose")
        return pb.GetNoticeResponse(
            purpose=notice.purpose,
            version=notice.version,
            title=pick(notice.title, request.language),
            benefit=pick(notice.benefit, request.language),
            text=pick(notice.text, request.language),
        )
