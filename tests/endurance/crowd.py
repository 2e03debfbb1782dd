"""Residents who report, and the officer who takes their cases on, over rpc as channels do it."""

import asyncio
import itertools
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.dialogue.v1.messages_pb2 import Ask
from machi.identity.v1.identity_service_pb2 import ResolveRequest
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi.reports.v1.events_pb2 import ReportFiled, ReportRef
from machi_sdk.clock import stamp
from machi_sdk.envelope import decode
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.rpc import Peers, for_tenant

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

T = TypeVar("T")
FACTS = "machi.reports.v1"
REPORTS = "reports"
# A pin in each of the seven wards.
PINS = (
    *((33.6500, 130.4200), (33.5903, 130.4207), (33.5890, 130.3930), (33.5610, 130.4260)),
    *((33.5828, 130.3230), (33.5754, 130.3700), (33.5818, 130.3480)),
)
_MOST_TURNS = 20
_DEADLINE = 5.0
_AGAIN_SECONDS = 0.3
_PATIENCE = 180.0
_AT_A_TIME = 8
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

    async def file(self, user: str) -> None:
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
                return
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


@dataclass
class Officer:
    """Takes on each case that the facts tell of from now on: "in progress" goes out to its reporter."""

    peers: Peers
    tenant: str
    bootstrap: str
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: set[str] = field(default_factory=set)
    _hands: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    async def run(self) -> None:
        """Until cancelled."""
        consumer = AIOKafkaConsumer(FACTS, bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            for partition in consumer.assignment():
                await consumer.position(partition)
            self.listening.set()
            async with asyncio.TaskGroup() as hands:
                async for record in consumer:
                    self._hear(record, hands)
        finally:
            await consumer.stop()

    def _hear(self, record: "ConsumerRecord[bytes, bytes]", hands: asyncio.TaskGroup) -> None:
        event = decode(record.topic, record.key, record.headers, record.value).event
        if isinstance(event, ReportFiled) and event.report.case_number not in self._seen:
            self._seen.add(event.report.case_number)
            hands.create_task(self._take_on(event.report))

    async def _take_on(self, case: ReportRef) -> None:
        staff = wire.StaffActor(staff_id="endurance", display_name="係", desk_ids=[case.desk_id], roles=["officer"])
        request = wire.TurnRequest(
            event_id=uuid.uuid4().hex, staff=staff, channel="slack", language="ja", occurred_at=stamp(datetime.now(UTC))
        )
        request.card_press.card_id, request.card_press.desk_id = case.report_id, case.desk_id
        request.card_press.action_id = "acknowledge"
        stub: DialogueServiceAsyncStub = DialogueServiceStub(self.peers.channel(REPORTS))
        async with self._hands:
            await surely(lambda: stub.Turn(request, timeout=_DEADLINE, metadata=for_tenant(self.tenant)))


NUMBER = re.compile(r"[A-Z]{2}-[A-Z0-9]{4}-[A-Z0-9]{4}")
