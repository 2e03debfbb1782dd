"""Coming back after a pause, correcting an answer, and what no question takes."""

from datetime import timedelta

import pytest
from talking import Talk, filed

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import (
    Answers,
    open_session,
)
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration


async def test_who_comes_back_after_a_day_is_asked_whether_to_go_on(talk: Talk, clock: ManualClock) -> None:
    await talk.until("sure")
    clock.advance(timedelta(hours=11))
    assert (await talk.type("hm")).ask.key == "sure"
    clock.advance(timedelta(hours=13))
    asked = await talk.type("yes")
    assert "“A hole”" in asked.ask.prompt
    assert [option.label for option in asked.ask.choice.options] == ["Go on", "Start over", "Stop"]
    assert (await talk.type("Go on")).ask.key == "sure"
    clock.advance(timedelta(hours=13))
    await talk.type("hello")
    assert (await talk.choose("again")).ask.key == "kind"
    await talk.type("1")
    clock.advance(timedelta(hours=13))
    assert "middle of a question" in (await talk.photo("m-1")).ask.prompt
    assert (await talk.choose("stop")).session_state == wire.SESSION_STATE_ENDED


async def test_a_button_of_the_present_question_goes_on_whenever_it_is_pressed(talk: Talk, clock: ManualClock) -> None:
    await talk.until("sure")
    clock.advance(timedelta(hours=24))
    assert (await talk.choose("yes")).session_state == wire.SESSION_STATE_ENDED
    assert talk.said == ["filed"]


async def test_a_question_the_person_did_not_begin_is_simply_answered_later(
    talk: Talk, works: Works[Work], clock: ManualClock
) -> None:
    async with works.begin("fukuoka") as work:
        talk.session = await open_session(work, talk.citizen, "tell", Answers({"kind": "road", "photo": None}))
    clock.advance(timedelta(hours=24))
    assert (await talk.type("a hole")).ask.key == "sure"


@pytest.mark.parametrize("how", ["pressed", "typed"])
async def test_an_earlier_answer_is_corrected_before_the_end(talk: Talk, works: Works[Work], how: str) -> None:
    await talk.until("sure")
    asked = await (talk.choose("change") if how == "pressed" else talk.type("change it"))
    assert [option.label for option in asked.ask.choice.options] == ["Kind", "Words"]
    assert (await talk.type("back")).ask.key == "sure"
    await talk.choose("change")
    assert (await talk.type("Words")).ask.key == "words"
    assert (await talk.type("two holes")).ask.key == "sure"
    await talk.choose("change")
    assert (await talk.choose("0")).ask.key == "kind"
    await talk.type("2")
    assert (await talk.type("skip")).ask.key == "sure"
    await talk.choose("yes")
    assert await filed(works) == ["two holes"]


@pytest.mark.parametrize("kind", ["photo", "sticker", "audio", "video", "file", "contact"])
async def test_what_no_question_takes_gets_a_kind_word(talk: Talk, kind: str) -> None:
    asked = await talk.open()
    request = talk.request()
    request.unsupported.kind = kind
    answer = await talk.send(request)
    assert answer.ask.key == asked.ask.key
    assert talk.said[0].startswith("Thank you")
    assert kind == "contact" or {"audio": "voice"}.get(kind, kind) in talk.said[0]
