"""The dialogue a person is in, from event to event: what comes between, what is over, an identity that answers late."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from talking import Tell, filed

from machi.channel.v1.events_pb2 import InboundEvent, Pressed, TextSent
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import InstalledOpenings, NoPhoto, People, Talkers, Turns
from machi_sdk.conversation.press import CommandPress, encode
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

pytestmark = pytest.mark.integration
DIALOGUES = {
    "reports": [
        {"command": "tell", "titles": {"en": "Report"}, "keywords": {"en": ["report"]}},
        {"command": "more", "titles": {"en": "More"}},
        {"command": "cases", "titles": {"en": "Cases"}, "phrase": "[a-z]{2}-[0-9]{4}"},
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
        self.late = 0  # so many answers come too late, though the focus is set

    async def resolve(self, tenant: str, address: str) -> identity.ResolveResponse:
        found = identity.ResolveResponse()
        found.CopyFrom(self.person)
        return found

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

    async def turn(self, tenant: str, pod: str, request: wire.TurnRequest) -> wire.TurnResponse:
        if pod == self.away:
            raise Unavailable("deadline-exceeded")
        return await self.kits[pod].turn(request, "fukuoka" if pod == "reports" else "sapporo")


class NoGallery:
    """`Content` of people who send none."""

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        raise NoPhoto


@dataclass
class Chat:
    """A person at a channel."""

    works: Works[Work]
    turns: Turns
    register: Register
    pods: Pods
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


@pytest.fixture
async def chat(works: Works[Work], clock: ManualClock) -> Chat:
    register, pods = Register(), InstalledPods()
    for name, dialogues in DIALOGUES.items():
        content = {"name": name, "version": "1", "owner": "test", "dialogues": dialogues}
        await pods.put(Manifest.model_validate(content))
    pods.read_whole = True
    own: list[Dialogue[Work] | AtOnce] = [Tell(), Tell("more"), Says("cases")]
    kits = {"reports": DialogueKit(works, own, clock)}
    kits["identity"] = DialogueKit(works, [Language(register), Says("help")], clock)
    talkers = Pods(kits)
    turns = Turns(register, talkers, InstalledOpenings(pods), EarlierMessages(works))
    return Chat(works, turns, register, talkers)


@pytest.mark.parametrize("way", [("2",), ("English",), ("cancel",), ("language", "English")])
async def test_what_comes_between_leads_back_whichever_way_it_ends(chat: Chat, way: tuple[str, ...]) -> None:
    await chat.types("report", "1", "skip")
    at = chat.focus
    await chat.types("language")
    assert chat.focus[0] == "identity"
    assert (await chat.types(*way)).ask.key == "words"
    assert chat.focus == at
    await chat.types("a hole", "yes")
    assert await filed(chat.works) == ["a hole"]
    assert chat.focus == ("", "")


async def test_a_language_named_in_the_middle_asks_the_same_again(chat: Chat) -> None:
    await chat.types("report", "1", "skip")
    at = chat.focus
    assert (await chat.types("English")).ask.key == "words"
    assert (chat.said[0], chat.focus) == ("done", at)


@pytest.mark.parametrize(("typed", "said"), [("English", "done"), ("help me", "help: help me")])
async def test_a_pod_that_is_away_keeps_nobody_from_what_another_one_says(chat: Chat, typed: str, said: str) -> None:
    await chat.types("report", "1", "skip")
    at, chat.pods.away = chat.focus, "reports"
    assert not (await chat.types(typed)).HasField("ask")
    assert (chat.said, chat.focus) == ([said], at)
    chat.pods.away = ""
    assert (await chat.types("a hole")).ask.key == "sure"


async def test_a_button_of_the_same_pod_leads_back(chat: Chat) -> None:
    await chat.types("report", "1", "skip")
    at = chat.focus
    await chat.opens("reports", "more")
    assert chat.focus != at
    assert (await chat.types("1", "skip", "another", "yes")).ask.key == "words"
    assert (await filed(chat.works), chat.focus) == (["another"], at)


async def test_what_is_too_old_to_go_back_to_leaves_nobody_in_it(chat: Chat, clock: ManualClock) -> None:
    await chat.types("report", "1", "skip")
    clock.advance(timedelta(hours=73))
    assert not (await chat.types("English")).HasField("ask")
    assert chat.focus == ("", "")


@pytest.mark.parametrize(
    ("typed", "said", "took"),
    [("a hole in the road", "help: a hole in the road", "identity"), ("fk-1234", "cases: fk-1234", "reports")],
)
async def test_words_to_a_dialogue_that_is_over_mean_what_they_say(
    chat: Chat, clock: ManualClock, typed: str, said: str, took: str
) -> None:
    await chat.types("report", "1", "skip")
    clock.advance(timedelta(hours=73))
    await chat.types(typed)
    assert (chat.said, chat.focus) == ([said], ("", ""))
    async with chat.works.begin("fukuoka") as work:
        pod = await work.db.fetchval("SELECT pod FROM inbound_events ORDER BY id DESC LIMIT 1")
    assert pod == took, "who is asked to take it back"


async def test_an_answer_is_kept_though_the_focus_was_set_late(chat: Chat) -> None:
    await chat.types("report", "1", "skip", "a hole")
    pending, chat.register.late = await chat.pending(InboundEvent(text=TextSent(text="yes"))), 1
    with pytest.raises(Unavailable, match="deadline"):
        await chat.answered(pending, "answer")
    assert chat.focus == ("", ""), "it was set"
    async with chat.works.begin("fukuoka") as work:
        mark = await work.db.fetchval("SELECT reply_mark FROM inbound_events WHERE id = $1", pending.id)
    assert mark == "", "no reply was tried"
    await chat.answered(pending)
    assert (chat.said, await filed(chat.works)) == (["filed"], ["a hole"])


async def test_a_focus_that_was_not_set_is_set_by_the_next_try(chat: Chat) -> None:
    await chat.types("report", "1", "skip", "a hole")
    pending, at = await chat.pending(InboundEvent(text=TextSent(text="yes"))), chat.focus
    chat.register.late, version = 1, chat.register.person.focus.version
    with pytest.raises(Unavailable):
        await chat.answered(pending)
    lost = identity.Focus(pod=at[0], session_id=at[1], version=version)
    chat.register.person.focus.CopyFrom(lost)  # as if it had not been set either
    await chat.answered(pending)
    assert (chat.said, chat.focus) == (["filed"], ("", ""))
