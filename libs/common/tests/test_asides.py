"""Coming back after a pause, correcting an answer, and what no question takes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from talking import Talk, Tell, filed, stored

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import Answers, open_session
from machi_sdk.dialogue.controls import TEXTS
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration


async def test_who_comes_back_after_a_day_is_asked_whether_to_go_on(talk: Talk, clock: ManualClock) -> None:
    await talk.until("sure")
    clock.advance(timedelta(hours=11))
    assert (await talk.type("hm")).ask.key == "sure"
    clock.advance(timedelta(hours=13))
    asked = await talk.type("yes")
    assert '"A hole"' in asked.ask.prompt
    assert [option.label for option in asked.ask.choice.options] == ["Go on", "Start over", "Stop"]
    assert (await talk.type("Go on")).ask.key == "sure"
    clock.advance(timedelta(hours=13))
    await talk.type("hello")
    assert (await talk.choose("again")).ask.key == "kind"
    await talk.type("1")
    clock.advance(timedelta(hours=13))
    assert "middle of a question" in (await talk.photo("m-1")).ask.prompt
    assert (await talk.choose("stop")).session_state == wire.SESSION_STATE_ENDED


async def test_who_opens_what_they_are_in_the_middle_of_loses_no_answer(talk: Talk, works: Works[Work]) -> None:
    await talk.until("sure")
    begun = talk.session
    for arguments in ({}, {"text": "tell us"}):
        asked = await talk.open(**arguments)
        assert (asked.session_id, asked.ask.key) == (begun, "~return")
    assert '"A hole"' in asked.ask.prompt
    assert (await talk.choose("go-on")).ask.key == "sure"
    await talk.open()
    assert (await talk.choose("again")).ask.key == "kind"
    assert (await talk.open()).session_id != begun, "nothing was answered: simply begun anew"
    await talk.until("sure")
    await talk.open()
    assert (await talk.choose("stop")).session_state == wire.SESSION_STATE_ENDED
    assert await filed(works) == []


async def test_what_is_opened_with_something_of_its_own_begins_anew(talk: Talk) -> None:
    await talk.until("sure")
    begun = talk.session
    assert (await talk.open(about="another")).session_id != begun


@pytest.mark.parametrize(("way", "asked"), [("again", "photo"), ("go-on", "sure")])
async def test_who_starts_over_begins_with_what_came_along(
    talk: Talk, works: Works[Work], way: str, asked: str
) -> None:
    await talk.until("sure")
    await talk.open(text="light")
    assert (await talk.open()).ask.key == "~return", "a press with nothing takes nothing away"
    assert (await talk.choose(way)).ask.key == asked
    assert ("light" in await stored(works)) == (way == "again")


async def test_who_comes_back_with_words_and_starts_over_begins_with_them(talk: Talk, clock: ManualClock) -> None:
    await talk.until("sure")
    clock.advance(timedelta(hours=13))
    assert (await talk.type("light")).ask.key == "~return"
    assert (await talk.choose("again")).ask.key == "photo"


async def test_what_came_along_and_was_unsent_is_forgotten(talk: Talk, works: Works[Work]) -> None:
    await talk.until("words")
    await talk.open("unsent", text="light")
    assert (await talk.unsend("unsent")).ask.key == "words"
    assert "light" not in await stored(works)


async def test_no_button_stands_there_twice(talk: Talk) -> None:
    talk.language = "ja"
    await talk.until("sure")
    asked = (await talk.open()).ask
    labels = [option.label for option in (*asked.choice.options, *asked.controls)]
    assert labels == ["続ける", "はじめから", "やめる", "戻る", "ヘルプ"]


@pytest.mark.parametrize("language", TEXTS.languages)
async def test_yes_and_no_answer_whether_to_go_on(talk: Talk, clock: ManualClock, language: str) -> None:
    talk.language = language
    yes, no = (TEXTS.say(language, key).split("|")[0] for key in ("yes", "no"))
    await talk.until("words")
    clock.advance(timedelta(hours=13))
    assert (await talk.type("...")).ask.key == "~return"
    assert (await talk.type(f"{yes} {no}")).ask.key == "~return"
    assert (await talk.type(f"{yes.upper()}!")).ask.key == "words"
    clock.advance(timedelta(hours=13))
    assert (await talk.type("...")).ask.key == "~return"
    assert (await talk.type(no)).session_state == wire.SESSION_STATE_ENDED


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
    assert (await talk.type("1")).ask.key == "kind", "the first one, as for every choice"
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


@pytest.mark.parametrize("how", ["pressed", "typed"])
async def test_back_from_a_correction_leaves_everything_as_it_was(talk: Talk, works: Works[Work], how: str) -> None:
    async def back() -> str:
        answer = await (talk.control(wire.CONTROL_KIND_BACK) if how == "pressed" else talk.type("back"))
        return answer.ask.key

    await talk.until("sure")
    before = await stored(works)
    for change, asked in (("0", "kind"), ("1", "words")):
        await talk.choose("change")
        assert (await talk.choose(change)).ask.key == asked
        assert "back" in [control.option_id for control in talk.last.ask.controls]
        assert await back() == "sure"
        assert await stored(works) == before
    await talk.choose("change")
    await talk.choose("0")
    assert (await talk.type("2")).ask.key == "photo"
    assert [await back(), await back()] == ["kind", "sure"], "one new answer, and the old ones"
    assert await stored(works) == before
    assert await back() == "words"


@pytest.mark.parametrize(("change", "asked", "behind"), [("0", "kind", "words"), ("1", "words", "photo")])
async def test_what_is_unsent_during_a_correction_does_not_come_back(
    talk: Talk, works: Works[Work], change: str, asked: str, behind: str
) -> None:
    await talk.until("words")
    await talk.type("a secret", event_id="unsent")
    await talk.choose("change")
    await talk.choose(change)
    assert (await talk.unsend("unsent")).ask.key == asked
    assert "a secret" not in await stored(works)
    assert (await talk.type("back")).ask.key == behind
    assert "a secret" not in await stored(works)


async def test_what_is_unsent_at_the_choice_of_a_correction_is_asked_again(talk: Talk, works: Works[Work]) -> None:
    await talk.until("words")
    await talk.type("a secret", event_id="unsent")
    await talk.choose("change")
    assert (await talk.unsend("unsent")).ask.key == "words"
    await talk.type("a hole")
    await talk.choose("yes")
    assert await filed(works) == ["a hole"]


@pytest.mark.parametrize("way", ["go-on", "again", "stop"])
async def test_where_nothing_is_left_to_correct_the_person_may_go_on(talk: Talk, tell: Tell, way: str) -> None:
    await talk.until("sure")
    await talk.choose("change")
    tell.asked = (*tell.asked[:-1], replace(tell.asked[-1], changes=()))
    await talk.type("hello")
    answer = await talk.choose(way)
    assert (answer.ask.key or answer.session_state) == {
        "go-on": "sure",
        "again": "kind",
        "stop": wire.SESSION_STATE_ENDED,
    }[way]


@pytest.mark.parametrize("kind", ["photo", "sticker", "audio", "video", "file", "contact"])
async def test_what_no_question_takes_gets_a_kind_word(talk: Talk, kind: str) -> None:
    asked = await talk.open()
    request = talk.request()
    request.unsupported.kind = kind
    answer = await talk.send(request)
    assert answer.ask.key == asked.ask.key
    assert talk.said[0].startswith("Thank you")
    assert kind == "contact" or {"audio": "voice"}.get(kind, kind) in talk.said[0]
