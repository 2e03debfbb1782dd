"""Residents who report, and the officer who takes their cases on, over rpc as channels do it."""

import asyncio
import itertools
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.dialogue.v1.messages_pb2 import Ask
from machi.identity.v1.identity_service_pb2 import ResolveRequest
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi_sdk.clock import stamp
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.rpc import Peers, for_tenant
from machi_sdk.work import Work, Works

if TYPE_CHECKING:
    import asyncpg

    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

T = TypeVar("T")
REPORTS = "reports"
_CASE = "SELECT report_id, desk_id FROM reports WHERE tenant = $1 AND case_number = $2"
# A pin in each of the seven wards.
PINS = (
    *((33.6500, 130.4200), (33.5903, 130.4207), (33.5890, 130.3930), (33.5610, 130.4260)),
    *((33.5828, 130.3230), (33.5754, 130.3700), (33.5818, 130.3480)),
)
_MOST_TURNS = 20
_DEADLINE = 5.0
_AGAIN_SECONDS = 0.3
_PATIENCE = 180.0
# Neighbours tell of the same hole. Their cards wait for their channel's pace and say from the first that the case was
# taken on; one that was shown before needs a change, and the workspace has forty a minute for up to 1,200 cards.
_NEIGHBOURS = 8


async def surely(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until it is answered; every question here may be asked twice."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    while True:
        try:
            return await ask()
        except (Unavailable, Conflict):
            if loop.time() > until:
                raise
            await asyncio.sleep(_AGAIN_SECONDS)


@dataclass
class Crowd:
    """Speaks as a channel to identity and reports; `filed` says who was given which case number."""

    peers: Peers
    tenant: str
    filed: dict[str, str] = field(default_factory=dict)
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)

    async def file(self, user: str) -> str:
        """One report of the LINE account `user`, from the first question to the case number."""
        asked = ResolveRequest(channel="line", address=user)
        person = await surely(lambda: self._identity.Resolve(asked, timeout=_DEADLINE, metadata=self._metadata))
        serial = next(self._serial)
        request = self._request(person.citizen_id)
        request.open.command = "report"
        answer = await self._turn(request)
        for _ in range(_MOST_TURNS):
            found = [each.receipt.number for each in answer.messages if each.HasField("receipt")]
            if found:
                self.filed[found[0]] = user
                return found[0]
            request = self._request(person.citizen_id, answer.session_id)
            answer_to(answer.ask, request, serial // _NEIGHBOURS)
            answer = await self._turn(request)
        raise AssertionError(f"no case number after {_MOST_TURNS} turns; the last question was {answer.ask.key}")

    def _request(self, citizen_id: str, session_id: str = "") -> wire.TurnRequest:
        return wire.TurnRequest(
            event_id=uuid.uuid4().hex,
            citizen_id=citizen_id,
            channel="line",
            language="ja",
            session_id=session_id,
            occurred_at=stamp(datetime.now(UTC)),
        )

    async def _turn(self, request: wire.TurnRequest) -> wire.TurnResponse:
        return await surely(lambda: self._reports.Turn(request, timeout=_DEADLINE, metadata=self._metadata))

    @property
    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return for_tenant(self.tenant)

    @property
    def _identity(self) -> "IdentityServiceAsyncStub":
        return IdentityServiceStub(self.peers.channel("identity"))

    @property
    def _reports(self) -> "DialogueServiceAsyncStub":
        return DialogueServiceStub(self.peers.channel(REPORTS))


def answer_to(ask: Ask, request: wire.TurnRequest, about: int) -> None:
    """Answer the question as somebody would who has no photo and says yes to everything."""
    match ask.WhichOneof("kind"):
        case "choice":
            options = ask.choice.options
            request.choice.ask_id = ask.ask_id
            request.choice.option_ids.append(options[about % len(options)].option_id)
        case "place":
            request.place.latitude, request.place.longitude = PINS[about % len(PINS)]
        case "photo":
            request.control.ask_id, request.control.kind = ask.ask_id, wire.CONTROL_KIND_SKIP
        case "words":
            request.text.text = f"歩道に穴があいています。{about}"
        case "confirm":
            request.choice.ask_id = ask.ask_id
            request.choice.option_ids.append(ask.confirm.yes.option_id)
        case other:
            raise AssertionError(f"no answer to a question of kind {other}")


@dataclass(frozen=True)
class Officer:
    """Takes a case on: "in progress" goes out to its reporter."""

    peers: Peers
    tenant: str
    reports: Works[Work]

    async def take_on(self, number: str) -> None:
        """Sooner than Slack shows it: which case it is, is looked up in the pod's rows, and not heard of from Kafka."""
        case = await surely(lambda: self._case(number))
        staff = wire.StaffActor(staff_id="endurance", display_name="係", desk_ids=[case["desk_id"]], roles=["officer"])
        request = wire.TurnRequest(
            event_id=uuid.uuid4().hex, staff=staff, channel="slack", language="ja", occurred_at=stamp(datetime.now(UTC))
        )
        request.card_press.card_id, request.card_press.desk_id = case["report_id"], case["desk_id"]
        request.card_press.action_id = "acknowledge"
        stub: DialogueServiceAsyncStub = DialogueServiceStub(self.peers.channel(REPORTS))
        await surely(lambda: stub.Turn(request, timeout=_DEADLINE, metadata=for_tenant(self.tenant)))

    async def _case(self, number: str) -> "asyncpg.Record":
        async with self.reports.begin(self.tenant) as work:
            found = await work.db.fetchrow(_CASE, self.tenant, number)
        assert found is not None
        return found


NUMBER = re.compile(r"[A-Z]{2}-[A-Z0-9]{4}-[A-Z0-9]{4}")
