"""The dialogue a person is in, from event to event: what comes between, what is over, an identity that answers late."""

from datetime import timedelta
from typing import cast

import pytest
from chatting import Chat, NoGallery
from talking import Tell, filed, stored

from machi.channel.v1.events_pb2 import InboundEvent, MediaSent, MessageUnsent, OtherSent, PlaceSent, TextSent
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.clock import ManualClock
from machi_sdk.dialogue import (
    DialogueKit,
)
from machi_sdk.errors import Unavailable
from machi_sdk.ids import derived_id
from machi_sdk.inbound.events import EventRows

pytestmark = pytest.mark.integration


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


@pytest.mark.parametrize(
    ("sent", "then"),
    [
        (InboundEvent(text=TextSent(text="so wide")), "sure"),
        (InboundEvent(place=PlaceSent(latitude=33.6, longitude=130.4)), "words"),
    ],
)
async def test_an_answer_is_kept_for_the_question_that_is_just_arriving(
    chat: Chat, sent: InboundEvent, then: str
) -> None:
    await chat.types("report", "1", "skip")
    asked = chat.focus
    chat.register.person.focus.CopyFrom(identity.Focus(version=7))
    chat.questions.asked.add(chat.register.person.citizen_id)
    waiting = await chat.pending(sent)
    with pytest.raises(Unavailable, match="question-arriving"):
        await chat.answered(waiting)
    chat.register.person.focus.CopyFrom(identity.Focus(pod=asked[0], session_id=asked[1], version=8))
    chat.questions.asked.clear()
    assert (await chat.answered(waiting)).ask.key == then


async def test_a_question_that_has_arrived_since_the_person_was_asked_for_is_answered(chat: Chat) -> None:
    await chat.types("report", "1", "skip")
    asked = chat.focus
    chat.register.person.focus.CopyFrom(identity.Focus(version=7))
    waiting = await chat.pending(InboundEvent(text=TextSent(text="so wide")))
    chat.turns.foresee(waiting)
    await chat.turns.asked[waiting]
    chat.register.person.focus.CopyFrom(identity.Focus(pod=asked[0], session_id=asked[1], version=8))
    with pytest.raises(Unavailable, match="question-arriving"):
        await chat.answered(waiting)
    assert (await chat.answered(waiting)).ask.key == "sure"


async def test_what_has_a_meaning_of_its_own_waits_for_no_question(chat: Chat) -> None:
    chat.questions.asked.add(chat.register.person.citizen_id)
    assert (await chat.types("report")).ask.key == "kind"
    await chat.types("cancel", "fk-1234")
    assert chat.said == ["cases: fk-1234"]
    await chat.types("help me")
    assert chat.said == ["help: help me"]


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


async def test_a_later_try_of_an_answer_leads_nobody_back_into_what_they_left(chat: Chat) -> None:
    stuck = await chat.pending(InboundEvent(text=TextSent(text="report")))
    await chat.answered(stuck)
    await stuck.wait(0.0, "platform-401")
    elsewhere = identity.Focus(pod="identity", session_id="s-9", version=chat.register.person.focus.version + 1)
    chat.register.person.focus.CopyFrom(elsewhere)
    (again,) = await EventRows(chat.works).claim(1, {})
    await chat.answered(again)
    assert (chat.focus, chat.register.looked_up) == (("identity", "s-9"), 1)


async def test_a_number_that_answers_no_question_opens_what_it_names_and_leads_back(chat: Chat) -> None:
    asked = await chat.types("report")
    told = await chat.types("FK-1234")
    assert (chat.said, told.ask.key, chat.focus) == (["cases: fk-1234"], "kind", ("reports", asked.session_id))
    less = DialogueKit(chat.works, [Tell()], chat.pods.kits["identity"].clock)
    chat.pods.kits = {**chat.pods.kits, "reports": less}
    assert (await chat.types("FK-1234")).ask.key == "kind"
    assert chat.said == ["選択肢から選ぶか、番号を入力してください。"]


async def test_a_number_that_answers_the_question_is_an_answer(chat: Chat) -> None:
    answer = await chat.types("report", "1", "skip", "FK-1234")
    assert (answer.ask.key, chat.said) == ("sure", [])


async def test_a_place_that_is_sent_to_a_dialogue_that_is_over_is_taken_anew(chat: Chat) -> None:
    await chat.types("report")
    cast("ManualClock", chat.pods.kits["reports"].clock).advance(timedelta(hours=73))
    await chat.does(InboundEvent(place=PlaceSent(latitude=33.59, longitude=130.4)))
    assert (chat.said, chat.focus) == (["help: "], ("", ""))


async def test_what_was_taken_anew_is_taken_back_where_it_went(chat: Chat, clock: ManualClock) -> None:
    await chat.types("report", "1", "skip")
    clock.advance(timedelta(hours=73))
    taken = InboundEvent(text=TextSent(text="light"), message_id="m-1")
    assert (await chat.does(taken)).ask.key == "photo", "it began a new one, and was its first answer"
    assert (await chat.does(InboundEvent(unsent=MessageUnsent(message_id="m-1")))).ask.key == "kind"
    assert "light" not in await stored(chat.works)


async def test_what_was_told_of_by_a_part_of_its_words_is_taken_back_there_too(chat: Chat) -> None:
    await chat.types("report")
    told = InboundEvent(text=TextSent(text="see FK-1234"), message_id="m-1")
    await chat.does(told)
    assert chat.said == ["cases: fk-1234"]
    await chat.does(InboundEvent(unsent=MessageUnsent(message_id="m-1")))
    assert ("reports", derived_id(told.event_id, "part")) in chat.pods.taken_back


async def test_a_photo_that_was_taken_anew_is_taken_back_from_the_pod_that_has_it(
    chat: Chat, clock: ManualClock
) -> None:
    await chat.types("report", "1")
    clock.advance(timedelta(hours=73))
    photo = InboundEvent(media=MediaSent(content_id="c-1"), message_id="m-1")
    await chat.does(photo)
    assert chat.said == ["help: "]
    await chat.does(InboundEvent(unsent=MessageUnsent(message_id="m-1")))
    assert ("reports", photo.event_id) in chat.pods.taken_back


async def test_what_is_said_right_after_goes_where_the_words_before_went(chat: Chat) -> None:
    await chat.opens("reports", "remark")
    for words in ("the left side", "at the bakery"):
        told = await chat.types(words)
        assert (chat.said, told.HasField("ask")) == ([f"noted: {words}"], False)
    cast("ManualClock", chat.pods.kits["reports"].clock).advance(timedelta(minutes=2))
    await chat.types("hello")
    assert (chat.said, chat.focus) == (["help: hello"], ("", ""))


@pytest.mark.parametrize(
    "event",
    [
        InboundEvent(other=OtherSent(kind="sticker")),
        InboundEvent(text=TextSent(text="help")),
        InboundEvent(text=TextSent(text="x" * 2001)),
    ],
    ids=["sticker", "help", "too long"],
)
async def test_a_question_that_was_shown_after_all_is_open_as_long_as_any_other(
    chat: Chat, clock: ManualClock, event: InboundEvent
) -> None:
    await chat.opens("reports", "remark")
    await chat.types("the left side")
    assert (await chat.does(event)).ask.key == "words"
    clock.advance(timedelta(minutes=2))
    await chat.types("at the bakery")
    assert chat.said == ["noted: at the bakery"]


async def test_what_comes_between_ends_what_would_be_said_right_after(chat: Chat) -> None:
    await chat.opens("reports", "remark")
    await chat.types("the left side")
    told = await chat.opens("reports", "cases")
    assert (chat.said, told.HasField("ask"), chat.focus) == (["cases: "], False, ("", ""))


async def test_the_question_before_is_asked_instead_of_waiting_for_more(chat: Chat) -> None:
    told = await chat.types("report", "1")
    await chat.opens("reports", "remark")
    back = await chat.types("the left side")
    assert (back.session_id, back.ask.key) == (told.session_id, "photo")


async def test_what_opened_a_dialogue_whose_answer_was_lost_is_taken_back_there(chat: Chat) -> None:
    lost = await chat.pending(InboundEvent(text=TextSent(text="light"), message_id="m-1"))
    await chat.turns.take(lost, await chat.turns.writer(lost), NoGallery())
    await lost.mark("failed", "deadline-exceeded")
    assert "light" in await stored(chat.works)
    await chat.does(InboundEvent(unsent=MessageUnsent(message_id="m-1")))
    assert "light" not in await stored(chat.works)
