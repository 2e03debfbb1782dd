"""The desk works a case: cards, buttons, threads, two officers at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import pytest
from google.protobuf.message import Message

from machi.consent.v1 import consent_service_pb2 as consent
from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_OFFICER, THREAD_AUTHOR_RESIDENT, DeskCard
from machi.reports.v1 import events_pb2 as facts
from machi_reports.entrypoints.wording import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Message]]]


class Ledger(Protocol):
    blocked: set[str]
    statuses: dict[str, "consent.ConsentStatus.ValueType"]


def press(card: DeskCard, action: str, desk: str = "roads-chuo", **values: str) -> wire.CardPress:
    return wire.CardPress(card_id=card.card_id, desk_id=desk, action_id=action, values=values)


def said(response: wire.TurnResponse) -> str:
    return response.messages[0].text.text


def actions(card: DeskCard) -> list[str]:
    return [action.action_id for action in card.actions]


def thread(card: DeskCard) -> list[tuple[int, str, str]]:
    return [(entry.author, entry.author_label, entry.text) for entry in card.thread]


def names(events: list[Message]) -> list[str]:
    return [type(event).__name__ for event in events if not isinstance(event, CardAnnounced)]


def hurries(events: list[Message]) -> list[bool]:
    return [event.urgent for event in events if isinstance(event, CardAnnounced)]


@pytest.fixture
async def number(file_case: FileCase) -> str:
    return await file_case("hana")


async def test_a_card_shows_the_case(number: str, card_of: CardOf, clock: ManualClock) -> None:
    clock.advance(timedelta(hours=3))
    card = await card_of(number)
    shown = {fact.label: fact.value for fact in card.facts}
    assert (card.title, card.number_label, card.number, card.status) == (
        "道路・歩道の通報",
        "受付番号",
        number,
        "受付済み",
    )
    assert card.words == "歩道に穴があります"
    assert shown["区"] == "中央区"
    assert shown["受付日時"] == "11月24日(火) 12:00"
    assert card.opened_ago == "3時間前"
    assert shown["通報者へのお知らせ"] == "届きます"
    assert card.map_link.uri.startswith("https://")
    assert actions(card) == [
        "acknowledge",
        "ask",
        "resolve",
        "reject",
        "handover",
        "take",
        "assign",
        "note",
        "duplicate",
    ]
    assert not card.moved


@pytest.mark.parametrize("language", TEXTS.languages)
async def test_a_card_in_every_language(number: str, card_of: CardOf, language: str) -> None:
    card = await card_of(number, language=language)
    assert card.number == number
    assert all(fact.label and fact.value for fact in card.facts)
    assert all(0 < len(action.label) <= 20 for action in card.actions)
    forms = [action.form for action in card.actions if action.HasField("form")]
    assert [form.title != "" and len(form.title) <= 24 for form in forms] == [True] * 7


async def test_the_second_press_says_who_was_first(
    number: str, card_of: CardOf, staff_turn: Turn, outbox: Outbox
) -> None:
    card = await card_of(number)
    assert number in said(await staff_turn(press(card, "acknowledge")))
    second = said(await staff_turn(press(card, "acknowledge"), name="道路係 担当2"))
    assert "12:00" in second
    assert "道路係 担当1" in second
    assert names(await outbox()) == ["ReportFiled", "ReportAcknowledged"]
    assert (await card_of(number)).version == 2


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
async def test_two_officers_at_once_have_one_effect(
    number: str, card_of: CardOf, staff_turn: Turn, outbox: Outbox, action: str
) -> None:
    card = await card_of(number)
    presses = [staff_turn(press(card, action, words="直しました"), name=f"担当{index}") for index in range(8)]
    answers = [said(answer) for answer in await asyncio.gather(*presses)]
    assert sum("すでに" in answer for answer in answers) == 7
    assert len(names(await outbox())) == 2
    assert (await card_of(number)).version == 2


async def test_a_question_and_its_answer(
    number: str, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox
) -> None:
    card = await card_of(number)
    assert said(await staff_turn(press(card, "ask", words="右側ですか。<左側>ですか。"))) == "通報者に送りました。"
    asked = next(event for event in await outbox() if isinstance(event, facts.ReporterAsked))
    waiting = await say("hana", wire.Resume(), session=asked.session_id)
    assert (waiting.ask.key, number in waiting.ask.prompt) == ("words", True)
    assert "右側ですか。<左側>ですか。" in waiting.ask.prompt
    answered = await say("hana", "左側です & すぐ横です")
    assert not answered.HasField("ask")
    card = await card_of(number)
    assert card.status == "回答済み"
    assert thread(card) == [
        (THREAD_AUTHOR_OFFICER, "道路係 担当1", "通報者への質問: 右側ですか。<左側>ですか。"),
        (THREAD_AUTHOR_RESIDENT, "通報者", "左側です & すぐ横です"),
    ]
    assert names(await outbox()) == ["ReportFiled", "ReporterAsked", "ReporterAnswered"]
    assert hurries(await outbox()) == [False, False, True]


async def test_a_thread_reply_goes_to_the_reporter(
    number: str, card_of: CardOf, staff_turn: Turn, ledger: Ledger, outbox: Outbox
) -> None:
    card = await card_of(number)
    reply = wire.CardReply(card_id=card.card_id, desk_id="roads-chuo", text="明日うかがいます")
    assert list((await staff_turn(reply)).messages) == []
    assert thread(await card_of(number))[-1] == (THREAD_AUTHOR_OFFICER, "道路係 担当1", "通報者へ: 明日うかがいます")
    assert (await card_of(number)).status == "受付済み"
    ledger.statuses["hana"] = consent.CONSENT_STATUS_WITHDRAWN
    assert "本人には送られません" in said(await staff_turn(reply))
    assert "送られません" in (await card_of(number)).note
    assert names(await outbox()) == ["ReportFiled", "ReporterWrittenTo", "ReporterWrittenTo"]


async def test_who_cannot_be_reached_is_shown_and_told_to_the_desk(
    number: str, card_of: CardOf, staff_turn: Turn, ledger: Ledger
) -> None:
    ledger.blocked.add("hana")
    card = await card_of(number)
    assert {fact.label: fact.value for fact in card.facts}["通報者へのお知らせ"].startswith("届きません")
    assert "送られません" in card.note
    (resolve,) = (action for action in card.actions if action.action_id == "resolve")
    assert "届きません" in resolve.form.fields[0].placeholder
    assert "送られません" in said(await staff_turn(press(card, "ask", words="どこですか")))


async def test_the_newest_question_is_answered_first_and_the_other_follows(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox
) -> None:
    first, second = await file_case("hana"), await file_case("hana", "街灯が暗い")
    for number, words in ((first, "一つ目ですか"), (second, "二つ目ですか")):
        await staff_turn(press(await card_of(number), "ask", words=words))
    focused = next(event for event in await outbox() if isinstance(event, facts.ReporterAsked)).session_id
    answer = await say("hana", "二つ目の答え", session=focused)
    assert second in answer.messages[0].card.body
    assert (answer.session_state, answer.session_id) == (wire.SESSION_STATE_OPEN, focused)
    assert "一つ目ですか" in answer.ask.prompt
    assert first in (await say("hana", "一つ目の答え")).messages[0].card.body
    assert thread(await card_of(first))[-1][2] == "一つ目の答え"
    assert thread(await card_of(second))[-1][2] == "二つ目の答え"


@pytest.mark.parametrize("action", ["resolve", "reject"])
async def test_a_closed_case_waits_for_no_answer(
    *, number: str, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox, action: str
) -> None:
    await staff_turn(press(await card_of(number), "ask", words="どこですか"))
    asked = next(event for event in await outbox() if isinstance(event, facts.ReporterAsked))
    await staff_turn(press(await card_of(number), action, words="おわりました"))
    late = await say("hana", "図書館は日曜に開いていますか", session=asked.session_id)
    assert (late.session_state, late.understood) == (wire.SESSION_STATE_ENDED, False)
    assert "図書館" not in str(thread(await card_of(number)))


async def test_resolved_rated_reopened(
    *, number: str, card_of: CardOf, staff_turn: Turn, say: Turn, clock: ManualClock, outbox: Outbox
) -> None:
    card = await card_of(number)
    await staff_turn(press(card, "resolve", words="舗装しました"))
    card = await card_of(number)
    assert (card.status, actions(card)) == ("対応完了", ["note"])
    assert not card.actions[0].secondary, "a menu of one is no menu"
    assert thread(card)[-1][2] == "対応完了: 舗装しました"
    resolved = next(event for event in await outbox() if isinstance(event, facts.ReportResolved))
    assert resolved.reopen_before.ToDatetime() - resolved.report.occurred_at.ToDatetime() == timedelta(days=14)
    buttons = (await say("hana", "/cases")).messages[1].carousel.cards[0].buttons
    assert [button.command.command for button in buttons] == ["rate", "reopen"]
    assert "4" in said(await say("hana", f"/rate case={card.card_id} score=4"))
    assert "すでに" in said(await say("hana", f"/rate case={number} score=1"))
    clock.advance(timedelta(days=13))
    assert "まだ対応が必要なところ" in (await say("hana", f"/reopen case={card.card_id}")).ask.prompt
    assert "もう一度" in said(await say("hana", "まだ直っていません"))
    card = await card_of(number)
    assert {fact.label: fact.value for fact in card.facts}["再開"] == "1回"
    assert (card.status, actions(card)[0]) == ("再開", "acknowledge")
    assert [text for _, _, text in thread(card)][1:] == ["評価: 4 / 5", "再開の依頼: まだ直っていません"]
    assert names(await outbox()) == ["ReportFiled", "ReportResolved", "ReportRated", "ReportReopened"]
    assert hurries(await outbox()) == [False, False, False, True]


@pytest.mark.parametrize("action", ["resolve", "reject"])
async def test_nobody_closes_a_case_over_words_they_have_not_seen(
    number: str, card_of: CardOf, staff_turn: Turn, say: Turn, action: str
) -> None:
    card = await card_of(number)
    closing = press(card, "resolve", words="直しました")
    closing.version = card.version
    await staff_turn(closing)
    await say("hana", f"/reopen case={number}")
    await say("hana", "まだ穴があります")
    late = press(card, action, words="直しました")
    late.version = card.version
    assert said(await staff_turn(late, name="道路係 担当2")) == TEXTS.say("ja", "press.unread")
    seen = await card_of(number)
    assert seen.thread[-1].text.endswith("まだ穴があります")
    late.version = seen.version
    assert "しました" in said(await staff_turn(late, name="道路係 担当2"))
    assert (await card_of(number)).version == seen.version + 1


async def test_a_score_is_asked_for_when_none_came(number: str, card_of: CardOf, staff_turn: Turn, say: Turn) -> None:
    card = await card_of(number)
    assert "対応中" in said(await say("hana", f"/rate case={card.card_id}"))
    await staff_turn(press(card, "resolve", words="舗装しました"))
    question = await say("hana", f"/rate case={card.card_id}")
    assert [option.option_id for option in question.ask.choice.options] == ["1", "2", "3", "4", "5"]
    await say("hana", "=5")
    assert {fact.label: fact.value for fact in (await card_of(number)).facts}["評価"] == "5 / 5"


async def test_a_rating_that_was_taken_back_counts_no_more(
    *, number: str, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox
) -> None:
    await staff_turn(press(await card_of(number), "resolve", words="舗装しました"))
    for words, event_id in ((f"/rate case={number}", ""), ("=2", "rated"), (wire.Retract(event_id="rated"), "")):
        await say("hana", words, event_id=event_id)
    card = await card_of(number)
    assert "評価" not in {fact.label for fact in card.facts}
    assert thread(card)[-1][2] == "（本人が取り消しました）"
    await say("hana", f"/rate case={number} score=5")
    assert {fact.label: fact.value for fact in (await card_of(number)).facts}["評価"] == "5 / 5"
    assert [event.score for event in await outbox() if isinstance(event, facts.ReportRated)] == [2, 0, 5]


async def test_reopening_too_late(
    number: str, card_of: CardOf, staff_turn: Turn, say: Turn, clock: ManualClock
) -> None:
    card = await card_of(number)
    assert "まだ終わっていない" in said(await say("hana", f"/reopen case={card.card_id}"))
    await staff_turn(press(card, "resolve", words="舗装しました"))
    clock.advance(timedelta(days=14))
    assert "14日" in said(await say("hana", f"/reopen case={card.card_id}"))
    assert (await card_of(number)).status == "対応完了"


async def test_another_desk_takes_over(number: str, card_of: CardOf, staff_turn: Turn, outbox: Outbox) -> None:
    card = await card_of(number)
    form = next(action.form for action in card.actions if action.action_id == "handover")
    offered = [option.option_id for option in form.fields[0].choice.options]
    assert "roads-chuo" not in offered
    handed = await staff_turn(
        wire.CardPress(
            card_id=card.card_id,
            desk_id="roads-chuo",
            action_id="handover",
            values={"desk": "water", "words": "漏水です"},
        )
    )
    assert "水道・下水道係" in said(handed)
    moved = await card_of(number)
    assert (moved.moved, moved.words, actions(moved), list(moved.photos)) == (True, "", [], [])
    assert "水道・下水道係" in moved.status
    assert thread(await card_of(number, "water"))[-1][2] == "「中央区 道路維持係」からの引き継ぎ: 漏水です"
    announced = [event.desk_id for event in await outbox() if isinstance(event, CardAnnounced)]
    assert announced[-2:] == ["roads-chuo", "water"]
    assert "別の担当課" in said(await staff_turn(press(card, "resolve", words="x")))
    with pytest.raises(Missing):
        await card_of(number, "parks")


@pytest.mark.parametrize(
    ("desks", "roles"), [(("front",), ("officer",)), ((), ("officer",)), (("roads-chuo",), ("auditor",)), ((), ())]
)
async def test_strangers_to_the_desk_change_nothing(
    number: str, card_of: CardOf, staff_turn: Turn, desks: tuple[str, ...], roles: tuple[str, ...]
) -> None:
    card = await card_of(number)
    for action in ("acknowledge", "resolve", "reject", "handover", "ask"):
        answer = await staff_turn(press(card, action, words="x"), desks=desks, roles=roles)
        assert said(answer) == "この担当課の職員ではないため、操作できません。"
    reply = wire.CardReply(card_id=card.card_id, desk_id="roads-chuo", text="x")
    assert "操作できません" in said(await staff_turn(reply, desks=desks, roles=roles))
    assert (await card_of(number)).version == 1


async def test_an_officer_hears_of_a_case_that_is_not_there_in_words_for_officers(
    number: str, card_of: CardOf, staff_turn: Turn
) -> None:
    card = await card_of(number)
    card.card_id = "nothing"
    assert said(await staff_turn(press(card, "acknowledge"))) == "この通報は見つかりませんでした。"


async def test_a_form_without_words_does_not_count(number: str, card_of: CardOf, staff_turn: Turn) -> None:
    card = await card_of(number)
    for action, values in (
        ("ask", {}),
        ("resolve", {"words": "  "}),
        ("handover", {"words": "x"}),
        ("note", {}),
        ("reject", {"words": "x" * 2001}),
    ):
        assert "入力を確認" in said(await staff_turn(press(card, action, **values)))
    assert (await card_of(number)).version == 1


async def test_a_retried_press_is_the_same_press(
    number: str, card_of: CardOf, staff_turn: Turn, outbox: Outbox
) -> None:
    card = await card_of(number)
    action = press(card, "reject", words="私有地のため")
    first = await staff_turn(action, event_id="same")
    assert await staff_turn(action, event_id="same") == first
    assert names(await outbox()) == ["ReportFiled", "ReportRejected"]
    assert thread(await card_of(number))[-1][2] == "対応しない理由: 私有地のため"


async def test_each_showing_is_logged(
    number: str, card_of: CardOf, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    for _ in range(3):
        await card_of(number)
    rows = await connection.fetch("SELECT what, reader FROM accesses")
    assert [(row["what"], row["reader"]) for row in rows] == [("card", "channel-slack/desk/roads-chuo")] * 3
