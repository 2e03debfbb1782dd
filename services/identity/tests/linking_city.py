"""Citizens at two channels, as far as identity is concerned: what an adapter does around each turn is done here."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

import asyncpg

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Decision, Status
from machi_identity.use_cases.decide_consent import decide_consent
from machi_sdk.clock import ManualClock
from machi_sdk.ids import new_id
from machi_sdk.rpc import for_tenant
from machi_sdk.testing import PodDatabase
from machi_sdk.work import Works

if TYPE_CHECKING:
    import grpc

    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub


class Options(TypedDict):
    """How every call is made."""

    timeout: float
    metadata: tuple[tuple[str, str], ...]


PURPOSE = "reports.case-updates"
CODE = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}")
HERE: Options = {"timeout": 60.0, "metadata": for_tenant("fukuoka")}


@dataclass
class AtChannel:
    """One address of a person, and the last answer it got."""

    rpc: "grpc.aio.Channel"
    channel: str
    address: str
    asked: wire.TurnResponse = field(default_factory=wire.TurnResponse)

    @property
    def people(self) -> "IdentityServiceAsyncStub":
        """Identity as this channel's adapter reaches it."""
        return IdentityServiceStub(self.rpc)

    async def who(self) -> identity.ResolveResponse:
        """The person as the adapter finds them."""
        request = identity.ResolveRequest(channel=self.channel, address=self.address)
        return await self.people.Resolve(request, **HERE)

    async def opens(self, command: str, **arguments: str) -> str:
        """Open a dialogue; returns what is said."""
        return await self.turn(wire.TurnRequest(open=wire.Open(command=command, arguments=arguments)))

    async def types(self, words: str) -> str:
        """Answer in words."""
        return await self.turn(wire.TurnRequest(text=wire.TextInput(text=words)))

    async def agrees(self, *, yes: bool = True) -> str:
        """Press yes, or no."""
        choice = wire.Choice(ask_id=self.asked.ask.ask_id, option_ids=["yes" if yes else "no"])
        return await self.turn(wire.TurnRequest(choice=choice))

    async def turn(self, request: wire.TurnRequest) -> str:
        """Resolve, take the turn, take it again as a retry would, settle the focus."""
        request.event_id = request.event_id or new_id()
        self.asked = await self._once(request)
        assert await self._once(request) == self.asked, "a retry is answered alike, whoever the person is by now"
        await self._settle(self.asked)
        return said(self.asked)

    async def in_dialogue(self, session_id: str) -> None:
        """Be in a dialogue of the pod reports."""
        await self._focus("reports", session_id)

    async def _once(self, request: wire.TurnRequest) -> wire.TurnResponse:
        person = await self.who()
        request.citizen_id, request.channel, request.language = person.citizen_id, self.channel, person.language
        request.former_ids[:] = person.former_ids
        request.session_id = person.focus.session_id if person.focus.pod == "identity" else ""
        stub: DialogueServiceAsyncStub = DialogueServiceStub(self.rpc)
        return await stub.Turn(request, **HERE)

    async def _settle(self, response: wire.TurnResponse) -> None:
        if response.session_state == wire.SESSION_STATE_OPEN:
            await self._focus("identity", response.session_id)
        elif response.session_state == wire.SESSION_STATE_ENDED:
            await self._focus(response.goes_on.pod, response.goes_on.session_id)

    async def _focus(self, pod: str, session_id: str) -> None:
        person = await self.who()
        request = identity.SetFocusRequest(
            citizen_id=person.citizen_id, expected_version=person.focus.version, pod=pod, session_id=session_id
        )
        await self.people.SetFocus(request, **HERE)


def said(response: wire.TurnResponse) -> str:
    """Every word of an answer."""
    lines = []
    for message in response.messages:
        facts = [f"{fact.label} {fact.value}" for fact in message.card.facts]
        lines += [message.text.text, message.card.title, message.card.body, *facts]
    return "\n".join(filter(None, [*lines, response.ask.prompt]))


async def rows(database: PodDatabase, statement: str) -> list[asyncpg.Record]:
    """As administrator, past row-level security."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement)
        return found
    finally:
        await connection.close()


def code_in(words: str) -> str:
    """The code that is shown."""
    found = CODE.search(words)
    assert found is not None, words
    return found[0]


async def link(shows: AtChannel, types: AtChannel) -> str:
    """Link two channels; returns what is said at the end."""
    code = code_in(await shows.opens("link", text="link"))
    await types.opens("link", text=f"link {code}")
    return await types.agrees()


async def decide(works: Works[IdentityWork], clock: ManualClock, citizen: str, status: Status) -> None:
    """Decide about the purpose; a minute goes by."""
    async with works.begin("fukuoka") as work:
        await decide_consent(Decision(new_id(), citizen, PURPOSE, 1, status, "line"), work, clock)
    clock.advance(timedelta(minutes=1))
