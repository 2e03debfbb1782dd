"""The dialogue kit: a conversation of a toy pod, whoever answers in whatever way."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import (
    Accept,
    Answers,
    Choices,
    Confirm,
    DialogueKit,
    Json,
    Opt,
    PhotoQ,
    Question,
    Reject,
    Reply,
    TurnContext,
    WordsQ,
    open_session,
)
from machi_sdk.errors import Conflict, Invalid
from machi_sdk.ids import new_id
from machi_sdk.messages import text as say
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
KINDS = (Opt("road", "Road"), Opt("light", "Lamp"), Opt("none", "なし"))
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"


@dataclass
class Tell:
    """kind → photo (optional) → words → sure?"""

    command: str = "tell"
    meanwhile: Callable[[], None] | None = None
    asked: tuple[Question, ...] = (
        Question("kind", "What kind?", Choices(KINDS)),
        Question("photo", "A photo?", PhotoQ(), optional=True),
        Question("words", "Tell us", WordsQ(1, 100)),
        Question("sure", "Shall we?", Confirm("Yes, please", "No, thanks")),
    )
    settled: list[str] = field(default_factory=list)

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        if arguments.get("closed"):
            return Reply((say("closed"),))
        return Answers({"from": turn.channel})

    def ask(self, answers: Answers, language: str) -> Question | None:
        return next((question for question in self.asked if question.key not in answers), None)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        self.settled.append(key)
        if value == "nonsense":
            return Reject((say("not that"),), keep={"warned": True})
        return Accept(value)

    async def finish(self, work: Work, turn: TurnContext, answers: Answers) -> Reply:
        if answers.text("words") == "clash":
            raise Conflict("taken")
        await work.db.execute(NOTE, turn.tenant, turn.event_id, answers.text("words"))
        return Reply((say("filed"),))


@dataclass
class Talk:
    """A person in conversation with the toy pod."""

    kit: DialogueKit[Work]
    citizen: str = field(default_factory=new_id)
    language: str = "en"
    session: str = ""
    last: wire.TurnResponse = field(default_factory=wire.TurnResponse)

    def request(self, event_id: str = "") -> wire.TurnRequest:
        return wire.TurnRequest(
            event_id=event_id or new_id(),
            citizen_id=self.citizen,
            channel="line",
            language=self.language,
            session_id=self.session,
        )

    async def send(self, request: wire.TurnRequest) -> wire.TurnResponse:
        self.last = await self.kit.turn(request, "fukuoka")
        ended = self.last.session_state == wire.SESSION_STATE_ENDED
        self.session = "" if ended else self.last.session_id or self.session
        return self.last

    async def open(self, **arguments: str) -> wire.TurnResponse:
        request = self.request()
        request.open.CopyFrom(wire.Open(command="tell", arguments=arguments))
        return await self.send(request)

    async def type(self, words: str, event_id: str = "") -> wire.TurnResponse:
        request = self.request(event_id)
        request.text.text = words
        return await self.send(request)

    async def choose(self, option: str, ask_id: str = "") -> wire.TurnResponse:
        request = self.request()
        request.choice.CopyFrom(wire.Choice(ask_id=ask_id or self.last.ask.ask_id, option_ids=[option]))
        return await self.send(request)

    async def photo(self, media_id: str) -> wire.TurnResponse:
        request = self.request()
        request.photo.media_id = media_id
        return await self.send(request)

    async def control(self, kind: "wire.ControlKind.ValueType") -> wire.TurnResponse:
        request = self.request()
        request.control.CopyFrom(wire.Control(ask_id=self.last.ask.ask_id, kind=kind))
        return await self.send(request)

    async def until(self, key: str) -> wire.TurnResponse:
        """Answer well until that question is asked."""
        await self.open()
        answers = {"kind": "1", "photo": "skip", "words": "a hole"}
        while self.last.ask.key != key:
            await self.type(answers[self.last.ask.key])
        return self.last

    @property
    def said(self) -> list[str]:
        return [message.text.text for message in self.last.messages]


@pytest.fixture
def tell() -> Tell:
    return Tell()


@pytest.fixture
def kit(works: Works[Work], clock: ManualClock, tell: Tell) -> DialogueKit[Work]:
    return DialogueKit(works, [tell], clock)


@pytest.fixture
def talk(kit: DialogueKit[Work]) -> Talk:
    return Talk(kit)


async def filed(works: Works[Work]) -> list[str]:
    async with works.begin("fukuoka") as work:
        return [row[0] for row in await work.db.fetch("SELECT author FROM notes")]


async def test_questions_come_in_order_and_the_end_is_filed_once(talk: Talk, works: Works[Work]) -> None:
    assert (await talk.open()).ask.key == "kind"
    assert (await talk.choose("road")).ask.key == "photo"
    assert (await talk.photo("media-1")).ask.key == "words"
    assert (await talk.type("  a hole, 100% deep\n")).ask.key == "sure"
    assert await filed(works) == []
    ended = await talk.choose("yes")
    assert ended.session_state == wire.SESSION_STATE_ENDED
    assert talk.said == ["filed"]
    assert await filed(works) == ["  a hole, 100% deep\n"]


async def test_a_reply_at_the_start_opens_nothing(talk: Talk) -> None:
    answer = await talk.open(closed="yes")
    assert (answer.session_id, answer.session_state, talk.said) == ("", wire.SESSION_STATE_UNSPECIFIED, ["closed"])


async def test_the_same_event_has_the_same_answer_and_one_effect(talk: Talk, works: Works[Work]) -> None:
    await talk.until("sure")
    session = talk.session
    first = await talk.type("yes", event_id="twice")
    talk.session = session
    assert await talk.type("no", event_id="twice") == first
    assert await filed(works) == ["a hole"]


async def test_an_old_button_gets_the_present_question(talk: Talk) -> None:
    old = (await talk.open()).ask.ask_id
    await talk.choose("road")
    answer = await talk.choose("light", ask_id=old)
    assert (answer.ask.key, answer.understood) == ("photo", False)
    assert talk.said == ["That button belongs to an earlier question. Please answer the present one."]
    assert (await talk.type("back")).ask.key == "kind"
    assert (await talk.choose("light", ask_id=old)).understood is False


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Back HELP skip cancel"),
        ("ja", "戻る ヘルプ スキップ やめる"),
        ("ja-Hira", "もどる たすけて とばす やめる"),
        ("zh-Hant", "返回 說明 略過 取消"),
    ],
)
async def test_controls_are_words_in_every_language(talk: Talk, language: str, words: str) -> None:
    talk.language = language
    back, help_, skip, cancel = words.split()
    labels = [control.label for control in (await talk.until("photo")).ask.controls]
    assert len(labels) == 4
    assert (await talk.type(f" {help_}。 ")).ask.key == "photo"
    assert len(talk.said) == 1
    assert (await talk.type(skip)).ask.key == "words"
    assert (await talk.type(back)).ask.key == "photo"
    assert (await talk.type(back)).ask.key == "kind"
    assert (await talk.type(back)).ask.key == "kind"
    assert (await talk.type(cancel)).session_state == wire.SESSION_STATE_ENDED


async def test_controls_are_buttons_too_and_only_where_they_work(talk: Talk) -> None:
    assert [control.option_id for control in (await talk.open()).ask.controls] == ["cancel", "help"]
    refused = await talk.control(wire.CONTROL_KIND_SKIP)
    assert (refused.ask.key, refused.understood) == ("kind", False)
    await talk.choose("road")
    assert [control.option_id for control in talk.last.ask.controls] == ["skip", "back", "cancel", "help"]
    assert (await talk.control(wire.CONTROL_KIND_BACK)).ask.key == "kind"


async def test_what_the_question_offers_is_no_control_and_words_are_words(talk: Talk, works: Works[Work]) -> None:
    await talk.open()
    assert (await talk.type("なし")).ask.key == "photo"
    assert (await talk.type("none")).ask.key == "words"
    assert (await talk.type("skip")).ask.key == "words"
    assert (await talk.type("None")).ask.key == "sure"
    await talk.type("yes, please!")
    assert await filed(works) == ["None"]


async def test_an_answer_that_is_none_asks_again(talk: Talk, tell: Tell) -> None:
    await talk.open()
    for request in (talk.request(), talk.request(), talk.request()):
        request.unsupported.kind = "sticker"
        again = await talk.send(request)
        assert (again.ask.key, again.understood) == ("kind", False)
    assert tell.settled == []
    await talk.until("words")
    rejected = await talk.type("nonsense")
    assert (rejected.ask.key, talk.said, rejected.understood) == ("words", ["not that"], False)


async def test_resume_repeats_the_question_on_another_channel(talk: Talk) -> None:
    asked = await talk.until("words")
    request = talk.request()
    request.channel = "slack"
    request.resume.SetInParent()
    assert (await talk.send(request)).ask == asked.ask


async def test_a_session_belongs_to_its_person_and_ends_with_its_time(talk: Talk, clock: ManualClock) -> None:
    await talk.until("words")
    stranger = replace(talk, citizen=new_id())
    assert (await stranger.type("mine")).session_state == wire.SESSION_STATE_ENDED
    assert (await stranger.type("mine")).understood is False
    clock.advance(timedelta(hours=73))
    assert (await talk.type("too late")).session_state == wire.SESSION_STATE_ENDED


async def test_two_turns_at_once_are_both_applied(talk: Talk, works: Works[Work], kit: DialogueKit[Work]) -> None:
    await talk.until("words")
    other = replace(talk)
    await asyncio.gather(talk.type("first words"), other.type("yes"))
    async with works.begin("fukuoka") as work:
        query = "SELECT answers::text FROM dialogue_sessions WHERE session_id = $1"
        stored = await work.db.fetchval(query, talk.session or other.session)
    assert "first words" in stored
    assert "yes" in stored or await filed(works) != []
    assert kit is talk.kit


async def test_many_at_once_of_one_event_have_one_effect(talk: Talk, works: Works[Work]) -> None:
    await talk.until("sure")
    people = [replace(talk) for _ in range(5)]
    answers = await asyncio.gather(*(person.type("yes", event_id="same") for person in people))
    assert {answer.SerializeToString(deterministic=True) for answer in answers} == {
        answers[0].SerializeToString(deterministic=True)
    }
    assert await filed(works) == ["a hole"]


async def test_an_unsent_message_is_taken_back(works: Works[Work], clock: ManualClock, tell: Tell) -> None:
    taken_back: list[str] = []

    async def retracted(work: Work, turn: TurnContext, event_id: str) -> None:
        assert (work.tenant, turn.citizen_id) == ("fukuoka", citizen)
        taken_back.append(event_id)

    citizen = new_id()
    talk = Talk(DialogueKit(works, [tell], clock, retracted=retracted), citizen)
    await talk.until("words")
    await talk.type("a secret", event_id="unsent")
    assert talk.last.ask.key == "sure"
    request = talk.request()
    request.retract.event_id = "unsent"
    assert (await talk.send(request)).ask.key == "words"
    assert taken_back == []
    await talk.type("words")
    await talk.type("yes", event_id="final")
    request = talk.request()
    request.retract.event_id = "final"
    await talk.send(request)
    assert taken_back == ["final"]


async def test_a_domain_conflict_reaches_the_caller_and_changes_nothing(talk: Talk, works: Works[Work]) -> None:
    await talk.until("words")
    await talk.type("clash")
    with pytest.raises(Conflict) as conflict:
        await talk.type("yes")
    assert conflict.value.slug == "taken"
    request = talk.request()
    request.resume.SetInParent()
    assert (await talk.send(request)).ask.key == "sure"
    assert await filed(works) == []


async def test_a_dialogue_that_needs_no_more_answers_ends_by_itself(talk: Talk, tell: Tell) -> None:
    await talk.until("words")
    tell.asked = tell.asked[:2]
    assert (await talk.type("anything")).session_state == wire.SESSION_STATE_ENDED
    assert talk.said == ["filed"]


async def test_a_pod_opens_a_session_by_itself(talk: Talk, works: Works[Work]) -> None:
    async with works.begin("fukuoka") as work:
        given = Answers({"kind": "road", "photo": None})
        talk.session = await open_session(work, talk.citizen, "tell", given)
    assert (await talk.type("back")).ask.key == "words"
    assert (await talk.type("the answer")).ask.key == "sure"


async def test_what_no_adapter_should_send_is_invalid(talk: Talk) -> None:
    with pytest.raises(Invalid):
        await talk.send(talk.request())
    unknown = talk.request()
    unknown.open.command = "nothing"
    with pytest.raises(Invalid):
        await talk.send(unknown)
    nameless = talk.request()
    nameless.event_id = ""
    nameless.resume.SetInParent()
    with pytest.raises(Invalid):
        await talk.send(nameless)


async def test_old_answers_are_forgotten(talk: Talk, works: Works[Work], clock: ManualClock, tell: Tell) -> None:
    await talk.open()
    clock.advance(timedelta(hours=73))
    await Talk(DialogueKit(works, [tell], clock)).open()
    async with works.begin("fukuoka") as work:
        assert await work.db.fetchval("SELECT count(*) FROM turns") == 1
