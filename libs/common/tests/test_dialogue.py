"""The dialogue kit: a conversation of a toy pod, whoever answers in whatever way."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from talking import Talk, Tell, filed, stored

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import (
    Answers,
    DialogueKit,
    TurnContext,
    end_open,
    end_waiting,
    open_session,
)
from machi_sdk.dialogue.controls import TEXTS
from machi_sdk.errors import Conflict, Invalid
from machi_sdk.ids import new_id
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration


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


@pytest.mark.parametrize("language", TEXTS.languages)
async def test_controls_are_words_in_every_language(talk: Talk, language: str) -> None:
    talk.language = language
    back, help_, skip, cancel = (
        TEXTS.say(language, f"controls.{name}.words").split("|")[0] for name in ("back", "help", "skip", "cancel")
    )
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


async def test_two_turns_at_once_are_both_applied(talk: Talk, works: Works[Work]) -> None:
    await talk.until("words")
    other = replace(talk)
    await asyncio.gather(talk.type("first words"), other.type("yes"))
    assert await filed(works) == ["first words"]


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
    assert (await talk.unsend("unsent")).ask.key == "words"
    assert taken_back == ["unsent"], "what the pod keeps of it goes too"
    await talk.type("words")
    await talk.type("yes", event_id="final")
    await talk.unsend("final")
    assert taken_back == ["unsent", "final"]


async def test_an_unsent_message_leaves_the_conversations_behind_the_present_one(
    talk: Talk, works: Works[Work]
) -> None:
    await talk.until("words")
    await talk.type("a secret", event_id="unsent")
    behind, talk.session = talk.session, ""
    await talk.open(about="another thing")
    await talk.type("1")
    await talk.type("skip")
    assert not (await talk.unsend("unsent")).ask.key
    assert "a secret" not in await stored(works)
    talk.session = behind
    request = talk.request()
    request.resume.SetInParent()
    assert (await talk.send(request)).ask.key == "words"


async def test_an_unsent_message_leaves_a_conversation_that_is_too_old_to_go_on(
    talk: Talk, works: Works[Work], clock: ManualClock
) -> None:
    await talk.until("words")
    await talk.type("a secret", event_id="unsent")
    clock.advance(timedelta(hours=73))
    await talk.unsend("unsent")
    assert "a secret" not in await stored(works)


async def test_an_unsent_message_leaves_the_conversation_of_who_is_another_citizen_since(
    talk: Talk, works: Works[Work]
) -> None:
    await talk.until("words")
    await talk.type("a secret", event_id="unsent")
    await Talk(talk.kit).unsend("unsent")
    assert "a secret" not in await stored(works)


@pytest.mark.parametrize("end", ["yes", "no", "cancel"])
async def test_nothing_is_kept_of_a_conversation_that_ended(talk: Talk, works: Works[Work], end: str) -> None:
    await talk.until("sure")
    session = talk.session
    assert (await talk.type(end)).session_state == wire.SESSION_STATE_ENDED
    talk.session = session
    assert "a hole" not in await stored(works)
    assert (await talk.type("yes")).session_state == wire.SESSION_STATE_ENDED
    assert len(await filed(works)) == (end != "cancel")


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


@pytest.mark.parametrize("language", TEXTS.languages)
async def test_a_typed_cancel_answers_a_question_that_a_pod_asked_by_itself(
    talk: Talk, works: Works[Work], language: str
) -> None:
    talk.language = language
    given = Answers({"kind": "road", "photo": None})
    for word in TEXTS.say(language, "controls.cancel.words").split("|"):
        async with works.begin("fukuoka") as work:
            talk.session = await open_session(work, talk.citizen, "tell", given)
        assert (await talk.type(word)).ask.key == "sure"
        await talk.type("yes")
    async with works.begin("fukuoka") as work:
        talk.session = await open_session(work, talk.citizen, "tell", given)
    assert (await talk.type("back")).ask.key == "words"
    assert (await talk.control(wire.CONTROL_KIND_CANCEL)).session_state == wire.SESSION_STATE_ENDED, "the button"


async def test_of_two_questions_that_wait_the_newest_is_answered_first(
    talk: Talk, works: Works[Work], clock: ManualClock
) -> None:
    waiting = []
    for words in ("first", "second"):
        async with works.begin("fukuoka") as work:
            given = Answers({"kind": words, "photo": None, "words": "w"})
            waiting.append(await open_session(work, talk.citizen, "tell", given))
        clock.advance(timedelta(minutes=1))
    talk.session = waiting[0]
    answer = await talk.type("yes")
    assert (talk.said, answer.session_id, answer.session_state) == (["filed"], waiting[0], wire.SESSION_STATE_OPEN)
    assert answer.ask.key == "sure"
    assert (await talk.choose("yes")).session_state == wire.SESSION_STATE_ENDED


async def test_a_dialogue_in_progress_goes_on_and_then_what_waits_is_asked(talk: Talk, works: Works[Work]) -> None:
    await talk.until("sure")
    async with works.begin("fukuoka") as work:
        await open_session(work, talk.citizen, "tell", Answers({"kind": "other", "photo": None}))
    answer = await talk.type("yes")
    assert (talk.said, answer.ask.key, answer.session_state) == (["filed"], "words", wire.SESSION_STATE_OPEN)
    assert await filed(works) == ["a hole"]


async def test_nobody_waits_any_more_for_what_is_over(talk: Talk, works: Works[Work]) -> None:
    async with works.begin("fukuoka") as work:
        given = Answers({"kind": "road", "case": "c-1", "photo": None})
        talk.session = await open_session(work, talk.citizen, "tell", given)
        await end_waiting(work, talk.citizen, {"case": "c-2"})
    assert (await talk.type("a hole")).ask.key == "sure"
    async with works.begin("fukuoka") as work:
        talk.session = await open_session(work, talk.citizen, "tell", given)
        await end_waiting(work, talk.citizen, {"case": "c-1"})
    assert (await talk.type("a hole")).session_state == wire.SESSION_STATE_ENDED
    assert await filed(works) == []


async def test_what_was_settled_elsewhere_is_over_and_not_kept(talk: Talk, works: Works[Work]) -> None:
    await talk.until("sure")
    async with works.begin("fukuoka") as work:
        await end_open(work, talk.citizen, ["tell"])
    assert "a hole" not in await stored(works)
    assert (await talk.type("yes")).session_state == wire.SESSION_STATE_ENDED
    assert await filed(works) == []


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
