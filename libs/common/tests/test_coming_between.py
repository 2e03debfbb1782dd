"""A dialogue that comes between another one and its end leads back into it; what is over takes nobody's words."""

from datetime import timedelta

import pytest
from talking import Talk, Tell, filed

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import Answers, DialogueKit, Json, open_session
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
OVER = wire.SESSION_STATE_ENDED
REST: dict[str, Json] = {"kind": "road", "photo": None}


@pytest.fixture
def talk(works: Works[Work], clock: ManualClock) -> Talk:
    """A person whose pod has three dialogues alike."""
    return Talk(DialogueKit(works, [Tell(), Tell("more"), Tell("most")], clock))


async def opened(talk: Talk, command: str) -> wire.TurnResponse:
    request = talk.request()
    request.open.command = command
    return await talk.send(request)


async def to_its_end(talk: Talk, words: str = "a hole") -> wire.TurnResponse:
    for answer in ("1", "skip", words):
        await talk.type(answer)
    return await talk.type("yes")


@pytest.mark.parametrize("end", ["yes", "cancel"])
async def test_after_what_came_between_the_question_before_is_asked_again(talk: Talk, end: str) -> None:
    asked, told = await talk.until("words"), talk.session
    await opened(talk, "more")
    assert talk.session != told
    answer = await (to_its_end(talk) if end == "yes" else talk.type("cancel"))
    assert (answer.session_id, answer.session_state, answer.ask) == (told, wire.SESSION_STATE_OPEN, asked.ask)
    assert (await talk.type("another hole")).ask.key == "sure"
    assert (await talk.type("yes")).session_state == OVER


async def test_what_came_between_twice_leads_all_the_way_back(talk: Talk) -> None:
    await talk.until("sure")
    told = talk.session
    await opened(talk, "more")
    await talk.type("1")
    more = talk.session
    await opened(talk, "most")
    assert (await to_its_end(talk)).session_id == more
    await talk.type("skip")
    await talk.type("words")
    assert (await talk.type("yes")).session_id == told


async def test_what_was_only_opened_or_is_begun_anew_is_given_up(talk: Talk) -> None:
    await talk.until("words")
    told = talk.session
    await opened(talk, "more")
    await opened(talk, "most")
    await opened(talk, "most")
    await talk.type("1")
    await opened(talk, "most")
    await talk.choose("again")
    assert (await to_its_end(talk)).session_id == told, "nobody is asked what they had not begun to answer"
    await talk.open()
    assert (await to_its_end(talk)).session_state == OVER


async def test_what_ended_meanwhile_is_not_gone_back_to(talk: Talk, clock: ManualClock) -> None:
    await talk.until("words")
    clock.advance(timedelta(hours=71))
    await opened(talk, "more")
    clock.advance(timedelta(hours=2))
    assert (await to_its_end(talk)).session_state == OVER


async def test_what_waits_is_asked_once_the_person_is_through(talk: Talk, works: Works[Work]) -> None:
    await talk.until("words")
    told = talk.session
    async with works.begin("fukuoka") as work:
        waiting = await open_session(work, talk.citizen, "most", Answers(REST))
    await opened(talk, "more")
    assert (await to_its_end(talk)).session_id == told
    await talk.type("a hole")
    assert (await talk.type("yes")).session_id == waiting


async def test_words_to_a_dialogue_that_is_too_old_answer_what_waits(
    talk: Talk, works: Works[Work], clock: ManualClock
) -> None:
    await talk.until("words")
    clock.advance(timedelta(hours=73))
    async with works.begin("fukuoka") as work:
        waiting = await open_session(work, talk.citizen, "most", Answers(REST))
    answer = await talk.type("it is the one on the left")
    assert (answer.session_id, answer.ask.key) == (waiting, "sure")
    await talk.choose("yes")
    assert await filed(works) == ["it is the one on the left"]


async def test_what_is_half_told_is_gone_on_with_wherever_the_person_was_meanwhile(talk: Talk) -> None:
    asked, told = await talk.until("words"), talk.session
    talk.session = ""  # another pod's dialogue, such as the choice of a language, has their focus
    answer = await opened(talk, "tell")
    assert (answer.session_id, answer.ask.key) == (told, "~return")
    assert (await talk.choose("go-on")).ask.key == asked.ask.key


async def test_what_is_half_told_behind_another_dialogue_is_not_begun_on_top_of_it(talk: Talk) -> None:
    await talk.until("words")
    told = talk.session
    await opened(talk, "more")
    await talk.type("1")
    answer = await opened(talk, "tell")
    assert (answer.session_id, answer.ask.key) == (told, "~return")


@pytest.mark.parametrize("arguments", [{"text": "1"}, {"latitude": "33.5", "longitude": "130.4", "place": "here"}])
async def test_a_guess_or_a_place_along_with_a_button_is_no_wish_to_begin_anew(
    talk: Talk, arguments: dict[str, str]
) -> None:
    await talk.until("words")
    assert (await talk.open(**arguments)).ask.key == "~return"
    assert (await talk.open(about="another thing")).ask.key == "kind"


async def test_an_end_leads_back_to_what_is_half_told_although_the_focus_was_elsewhere(talk: Talk) -> None:
    asked, told = await talk.until("words"), talk.session
    talk.session = ""
    await opened(talk, "more")
    answer = await to_its_end(talk)
    assert (answer.session_id, answer.session_state, answer.ask) == (told, wire.SESSION_STATE_OPEN, asked.ask)
