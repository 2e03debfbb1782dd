"""A person at a channel, in conversation with the toy pods of a city."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from talking import Tell

from machi.channel.v1.events_pb2 import InboundEvent, Pressed, TextSent
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import InstalledOpenings, NoPhoto, People, Talkers, Turns
from machi_sdk.conversation.press import CommandPress, encode
from machi_sdk.conversation.talkers import Fetch
from machi_sdk.dialogue import (
    Accept,
    Answers,
    AtOnce,
    Choices,
    Dialogue,
    DialogueKit,
    Json,
    Opt,
    Question,
    Reject,
    Reply,
    TurnContext,
    WordsQ,
    stay_open,
)
from machi_sdk.envelope import Received
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.ids import new_id
from machi_sdk.inbound import Bulkheads, EarlierMessages, PendingEvent
from machi_sdk.inbound.events import EventRows
from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import Manifest
from machi_sdk.messages import text as say
from machi_sdk.rpc import Peers
from machi_sdk.work import Work, Works

DIALOGUES = {
    "reports": [
        {"command": "tell", "titles": {"en": "Report"}, "keywords": {"en": ["report"]}, "phrase": "light"},
        {"command": "more", "titles": {"en": "More"}},
        {"command": "remark", "titles": {"en": "Remark"}},
        {"command": "cases", "titles": {"en": "Cases"}, "phrase": "[a-z]{2}-[0-9]{4}", "within": "fk-[0-9]{4}"},
    ],
    "identity": [
        {"command": "language", "titles": {"en": "Language"}, "keywords": {"en": ["language", "English"]}},
        {"command": "help", "role": "fallback", "titles": {"en": "Help"}, "keywords": {"en": ["help me"]}},
    ],
}


class Register(People):
    """Identity's register of one person."""

    def __init__(self) -> None:
        super().__init__(cast("Peers", None), "line")
        self.person = identity.ResolveResponse(citizen_id=new_id(), language="ja")
        self.looked_up = 0  # so often it was asked without being told that the person wrote
        self.late = 0  # so many answers come too late, though the focus is set

    async def resolve(self, tenant: str, address: str) -> identity.ResolveResponse:
        found = identity.ResolveResponse()
        found.CopyFrom(self.person)
        return found

    async def known(self, tenant: str, address: str) -> identity.ResolveResponse:
        self.looked_up += 1
        return await self.resolve(tenant, address)

    async def focus(self, tenant: str, request: identity.SetFocusRequest) -> None:
        if request.expected_version != self.person.focus.version:
            raise Conflict("focus-moved")
        focus = identity.Focus(pod=request.pod, session_id=request.session_id, version=request.expected_version + 1)
        self.person.focus.CopyFrom(focus)
        if self.late:
            self.late -= 1
            raise Unavailable("deadline")


@dataclass(frozen=True)
class Says:
    """Says what it was told, and opens nothing."""

    command: str

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Reply:
        return Reply((say(f"{self.command}: {arguments.get('text', '')}"),))


@dataclass(frozen=True)
class Remark:
    """Takes a remark, and what is said within a minute after it."""

    command: str = "remark"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers:
        return Answers()

    def ask(self, answers: Answers, language: str) -> Question | None:
        return None if "words" in answers else Question("words", "What is it?", WordsQ())

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        return Accept(value)

    async def finish(self, work: Work, turn: TurnContext, answers: Answers) -> Reply:
        stays = await stay_open(work, turn.citizen_id, self.command, Answers(), timedelta(minutes=1))
        return Reply((say(f"noted: {answers.text('words')}"),), stays=stays)


@dataclass(frozen=True)
class Language:
    """Knows from the register where the person was, as identity does."""

    register: Register
    command: str = "language"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        focus, typed = self.register.person.focus, arguments.get("text", "")
        answers = Answers({"language": "en"} if typed == "English" else {})
        return answers.coming_between(focus.pod, focus.session_id) if focus.pod not in ("", "identity") else answers

    def ask(self, answers: Answers, language: str) -> Question | None:
        options = (Opt("ja", "日本語"), Opt("en", "English"))
        return None if "language" in answers else Question("language", "Which?", Choices(options))

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        return Accept(value)

    async def finish(self, work: Work, turn: TurnContext, answers: Answers) -> Reply:
        self.register.person.language = answers.text("language")
        return Reply((say("done"),), language=answers.text("language"))


class Pods(Talkers):
    """The kits of both pods, without a network between; they share a database, each with a tenant of its own."""

    def __init__(self, kits: Mapping[str, DialogueKit[Work]]) -> None:
        super().__init__(cast("Peers", None), Bulkheads())
        self.kits = kits
        self.away = ""
        self.taken_back: list[tuple[str, str]] = []

    async def turn(self, tenant: str, pod: str, request: wire.TurnRequest) -> wire.TurnResponse:
        if pod == self.away:
            raise Unavailable("deadline-exceeded")
        if request.HasField("retract"):
            self.taken_back.append((pod, request.retract.event_id))
        return await self.kits[pod].turn(request, "fukuoka" if pod == "reports" else "sapporo")

    async def put_photo(self, tenant: str, pod: str, header: wire.MediaHeader, fetch: Fetch) -> wire.PutMediaResponse:
        return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_STORED, media_id="m-1")


class NoGallery:
    """`Content` of people who send none."""

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        raise NoPhoto


@dataclass
class OnTheWay:
    """`Questions`, by the citizen ids of whom a message is asking."""

    asked: set[str] = field(default_factory=set)

    async def asking(self, tenant: str, citizen_id: str) -> bool:
        return citizen_id in self.asked


@dataclass
class Chat:
    """A person at a channel."""

    works: Works[Work]
    turns: Turns
    register: Register
    pods: Pods
    questions: OnTheWay
    last: wire.TurnResponse = field(default_factory=wire.TurnResponse)
    count: int = 0

    async def pending(self, event: InboundEvent) -> PendingEvent:
        self.count += 1
        event.event_id, event.address = f"e-{self.count}", "U1"
        received = Received(event, event.event_id, "x", "fukuoka", "key", datetime.now(UTC), "topic", {})
        async with self.works.begin("fukuoka") as work:
            (pending,), _ = await EventRows(self.works).accept([received], work, 1)
        return pending

    async def answered(self, pending: PendingEvent, mark: str = "") -> wire.TurnResponse:
        found = await self.turns.answer(pending, NoGallery(), lambda _: mark)
        assert found is not None
        self.last = found.response
        return self.last

    async def does(self, event: InboundEvent) -> wire.TurnResponse:
        pending = await self.pending(event)
        answer = await self.answered(pending)
        await pending.mark("done")
        return answer

    async def types(self, *lines: str) -> wire.TurnResponse:
        for words in lines:
            await self.does(InboundEvent(text=TextSent(text=words)))
        return self.last

    async def opens(self, pod: str, command: str) -> wire.TurnResponse:
        return await self.does(InboundEvent(pressed=Pressed(data=encode(CommandPress(pod, command)))))

    @property
    def said(self) -> list[str]:
        return [message.text.text for message in self.last.messages]

    @property
    def focus(self) -> tuple[str, str]:
        focus = self.register.person.focus
        return focus.pod, focus.session_id


async def a_chat(works: Works[Work], clock: ManualClock) -> Chat:
    """A person who has written nothing yet, in a city of two pods."""
    register, pods = Register(), InstalledPods()
    for name, dialogues in DIALOGUES.items():
        content = {"name": name, "version": "1", "owner": "test", "dialogues": dialogues}
        await pods.put(Manifest.model_validate(content))
    pods.read_whole = True
    own: list[Dialogue[Work] | AtOnce] = [Tell(), Tell("more"), Remark(), Says("cases")]
    kits = {"reports": DialogueKit(works, own, clock)}
    kits["identity"] = DialogueKit(works, [Language(register), Says("help")], clock)
    talkers = Pods(kits)
    questions = OnTheWay()
    turns = Turns(register, talkers, InstalledOpenings(pods), EarlierMessages(works), questions)
    return Chat(works, turns, register, talkers, questions)
