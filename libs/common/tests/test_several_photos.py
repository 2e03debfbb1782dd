"""A question that takes several photos: each lands once, in order, can be taken back alone, and "next" ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import (
    Accept,
    Answers,
    Confirm,
    DialogueKit,
    Json,
    PhotoQ,
    Question,
    Reject,
    Reply,
    TurnContext,
    WordsQ,
)
from machi_sdk.ids import new_id
from machi_sdk.messages import text as say
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
MOST = 3
NEXT = wire.TurnRequest(text=wire.TextInput(text="next"))
WORDS = wire.TurnRequest(text=wire.TextInput(text="a hole"))
BACK = wire.TurnRequest(control=wire.Control(kind=wire.CONTROL_KIND_BACK))


@dataclass
class Show:
    """photos (up to three) → words, or a confirmation"""

    command: str = "show"
    last: Question = Question("words", "Tell us", WordsQ())  # noqa: RUF009 (frozen)

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        return Answers()

    def ask(self, answers: Answers, language: str) -> Question | None:
        if answers.takes_more("photo", MOST):
            return Question("photo", "A photo?", PhotoQ(MOST, len(answers.all("photo"))), optional=True)
        return None if self.last.key in answers else self.last

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        return Accept(value["media_id"] if isinstance(value, dict) else value)

    async def finish(self, work: Work, turn: TurnContext, answers: Answers) -> Reply:
        return Reply((say(",".join(str(photo) for photo in answers.all("photo"))),))


@dataclass
class Talk:
    """One person in conversation with the toy pod; what the pod had to take back."""

    works: Works[Work]
    clock: ManualClock
    session: str = ""
    show: Show = field(default_factory=Show)
    taken_back: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kit = DialogueKit(self.works, [self.show], self.clock, self._retracted)

    async def open(self) -> wire.TurnResponse:
        answer = await self.does(wire.TurnRequest(open=wire.Open(command="show")))
        self.session = answer.session_id
        return answer

    async def does(self, what: wire.TurnRequest, event_id: str = "") -> wire.TurnResponse:
        request = wire.TurnRequest(
            event_id=event_id or new_id(), citizen_id="hana", language="en", session_id=self.session
        )
        request.MergeFrom(what)
        return await self.kit.turn(request, "fukuoka")

    async def photo(self, name: str) -> wire.TurnResponse:
        return await self.does(wire.TurnRequest(photo=wire.Photo(media_id=name)), event_id=name)

    async def unsend(self, name: str) -> wire.TurnResponse:
        return await self.does(wire.TurnRequest(retract=wire.Retract(event_id=name)))

    async def _retracted(self, _work: Work, _turn: TurnContext, event_id: str) -> None:
        self.taken_back.append(event_id)


@pytest.fixture
def talk(works: Works[Work], clock: ManualClock) -> Talk:
    return Talk(works, clock)


def labels(answer: wire.TurnResponse) -> dict[str, str]:
    return {control.option_id: control.label for control in answer.ask.controls}


async def test_three_photos_and_no_fourth(talk: Talk) -> None:
    first = await talk.open()
    assert (first.ask.photo.maximum, labels(first)["skip"]) == (3, "Skip")
    second = await talk.photo("a")
    assert (second.ask.key, second.ask.photo.maximum, labels(second)["skip"]) == ("photo", 2, "Next")
    assert (await talk.photo("b")).ask.photo.maximum == 1
    assert (await talk.photo("c")).ask.key == "words"
    fourth = await talk.photo("d")
    assert (fourth.ask.key, fourth.understood) == ("words", False)
    assert fourth.messages[0].text.text.startswith("Thank you for the photo. We had taken your photos already")
    assert (await talk.does(WORDS)).messages[0].text.text == "a,b,c"


async def test_a_photo_where_none_was_wanted_is_told_what_is_asked(talk: Talk) -> None:
    await talk.open()
    await talk.does(wire.TurnRequest(text=wire.TextInput(text="skip")))
    late = await talk.photo("a")
    assert late.messages[0].text.text.startswith("Thank you for the photo. It does not answer this question")


async def test_next_ends_it_and_skip_takes_none(talk: Talk) -> None:
    await talk.open()
    await talk.photo("a")
    assert (await talk.does(NEXT)).ask.key == "words"
    assert (await talk.does(WORDS)).messages[0].text.text == "a"
    await talk.open()
    assert (await talk.does(wire.TurnRequest(text=wire.TextInput(text="skip")))).ask.key == "words"
    assert (await talk.does(WORDS)).messages[0].text.text == ""


async def test_who_writes_after_a_photo_has_no_more_photos(talk: Talk) -> None:
    await talk.open()
    await talk.photo("a")
    assert (await talk.does(WORDS)).messages[0].text.text == "a"


async def test_words_that_answer_nothing_leave_the_photos_open(talk: Talk) -> None:
    await talk.open()
    await talk.photo("a")
    too_long = await talk.does(wire.TurnRequest(text=wire.TextInput(text="x" * 2001)))
    assert (too_long.ask.photo.maximum, too_long.understood) == (2, False)
    assert too_long.messages[0].text.text.startswith("That has 2,001 characters")
    assert (await talk.photo("b")).ask.photo.maximum == 1


@pytest.mark.parametrize("words", ["no", "yes", "two holes"])
async def test_words_after_a_photo_confirm_nothing_that_was_not_seen(talk: Talk, words: str) -> None:
    talk.show.last = Question("sure", "Send it?", Confirm("Send", "Do not send"), before=(say("the summary"),))
    await talk.open()
    await talk.photo("a")
    answer = await talk.does(wire.TurnRequest(text=wire.TextInput(text=words)))
    assert (answer.session_state, answer.ask.key) == (wire.SESSION_STATE_OPEN, "sure")
    assert answer.messages[0].text.text == "the summary"
    assert (await talk.does(BACK)).ask.photo.maximum == 2
    await talk.does(NEXT)
    assert (await talk.does(wire.TurnRequest(text=wire.TextInput(text="no")))).messages[0].text.text == "a"


@pytest.mark.parametrize("taken", [0, 1])
async def test_no_says_that_there_is_no_more_photo(talk: Talk, taken: int) -> None:
    await talk.open()
    for name in "a" * taken:
        await talk.photo(name)
    assert (await talk.does(wire.TurnRequest(text=wire.TextInput(text="いいえ")))).ask.key == "words"
    assert (await talk.does(WORDS)).messages[0].text.text == "a" * taken


async def test_words_before_any_photo_are_no_answer(talk: Talk) -> None:
    await talk.open()
    assert (await talk.does(WORDS)).ask.photo.maximum == 3


async def test_a_photo_that_comes_again_is_the_same_photo(talk: Talk) -> None:
    await talk.open()
    first = await talk.photo("a")
    assert await talk.photo("a") == first
    assert (await talk.photo("b")).ask.photo.maximum == 1


async def test_back_undoes_the_last_photo(talk: Talk) -> None:
    await talk.open()
    for name in ("a", "b", "c"):
        await talk.photo(name)
    assert (await talk.does(BACK)).ask.photo.maximum == 1
    await talk.photo("d")
    assert (await talk.does(WORDS)).messages[0].text.text == "a,b,d"


async def test_one_photo_is_taken_back_alone(talk: Talk) -> None:
    await talk.open()
    for name in ("a", "b"):
        await talk.photo(name)
    assert (await talk.does(NEXT)).ask.key == "words"
    assert (await talk.unsend("a")).ask.key == "words", "the question the person is at stays"
    assert talk.taken_back == ["a"]
    assert (await talk.does(WORDS)).messages[0].text.text == "b"


async def test_a_place_that_came_free_can_be_filled(talk: Talk) -> None:
    await talk.open()
    for name in ("a", "b", "c"):
        await talk.photo(name)
    assert (await talk.unsend("b")).ask.photo.maximum == 1
    assert (await talk.photo("d")).ask.key == "words"
    assert (await talk.does(WORDS)).messages[0].text.text == "a,c,d"


async def test_the_only_photo_taken_back_leaves_the_question(talk: Talk) -> None:
    await talk.open()
    await talk.photo("a")
    again = await talk.unsend("a")
    assert (again.ask.photo.maximum, labels(again)["skip"]) == (3, "Skip")


async def test_what_a_newer_release_asks_is_answered_by_nothing_that_answered_another_question(talk: Talk) -> None:
    await talk.open()
    assert (await talk.does(wire.TurnRequest(text=wire.TextInput(text="skip")))).ask.key == "words"
    talk.show.last = Question("sure", "Send it?", Confirm("Send", "Do not send"))
    yes = wire.TurnRequest(text=wire.TextInput(text="yes"))
    anew = await talk.does(yes)
    assert (anew.ask.key, anew.understood, anew.session_state) == ("sure", False, wire.SESSION_STATE_OPEN)
    assert (await talk.does(yes)).session_state == wire.SESSION_STATE_ENDED
