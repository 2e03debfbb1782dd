"""Two cases that are the same: linked both ways, closed together, and every reporter hears of it once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from google.protobuf.message import Message

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard, FormField
from machi.reports.v1 import events_pb2 as facts
from machi_reports.entrypoints.wording import TEXTS
from machi_sdk.clock import ManualClock

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Message]]]
Join = Callable[[str, str], Awaitable[str]]
HERE, CLOSE, FAR, MINAMI = (33.5903, 130.3989), (33.5908, 130.3989), (33.5903, 130.4019), (33.5603, 130.4269)


def said(response: wire.TurnResponse) -> str:
    return response.messages[0].text.text


def press(card: DeskCard, action: str, desk: str = "roads-chuo", **values: str) -> wire.CardPress:
    return wire.CardPress(card_id=card.card_id, desk_id=desk, action_id=action, values=values)


def shown(card: DeskCard) -> dict[str, str]:
    return {fact.label: fact.value for fact in card.facts}


def texts(card: DeskCard) -> list[str]:
    return [entry.text for entry in card.thread]


def told(events: list[Message], citizen: str) -> list[str]:
    """The facts about a person's case, by name; what nobody is told about is left out."""
    found = [event for event in events if not isinstance(event, CardAnnounced | facts.ReportFiled)]
    return [type(event).__name__ for event in found if event.report.citizen_id == citizen]  # type: ignore[attr-defined]


def fields(card: DeskCard) -> dict[str, FormField]:
    form = next(action.form for action in card.actions if action.action_id == "duplicate")
    return {field.field_id: field for field in form.fields}


@pytest.fixture
def join(card_of: CardOf, staff_turn: Turn) -> Join:
    """Say that a case is the same as another one; what the officer is told."""

    async def turn(number: str, other: str) -> str:
        return said(await staff_turn(press(await card_of(number), "duplicate", number=other)))

    return turn


async def test_the_nearest_open_cases_of_the_category_are_offered(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, clock: ManualClock
) -> None:
    far = await file_case("hana", place=FAR)
    clock.advance(timedelta(hours=2))
    old, closed = await file_case("jiro", place=CLOSE), await file_case("saburo", place=CLOSE)
    await file_case("shiro", place=MINAMI)
    clock.advance(timedelta(hours=1))
    new = await file_case("goro", place=CLOSE)
    await staff_turn(press(await card_of(closed), "resolve", words="直しました"))
    number = await file_case("mine", place=HERE)
    offered = fields(await card_of(number))
    assert offered["nearby"].optional
    assert [option.label for option in offered["nearby"].choice.options] == [
        f"{new} · 約60m · たったいま",
        f"{old} · 約60m · 1時間前",
        f"{far} · 約280m · 3時間前",
    ]


async def test_what_a_resident_typed_stands_in_no_other_cases_form(file_case: FileCase, card_of: CardOf) -> None:
    typed, pinned = await file_case("hana", place="中央区の 秘密の場所"), await file_case("jiro", place=HERE)
    again = await card_of(await file_case("saburo", place="中央区の どこか"))
    assert [option.label for option in fields(again)["nearby"].choice.options] == [
        f"{number} · 中央区 · たったいま" for number in (pinned, typed)
    ]
    assert list(fields(again)) == ["nearby", "number"]


async def test_a_case_alone_asks_for_a_number(file_case: FileCase, card_of: CardOf, staff_turn: Turn) -> None:
    card = await card_of(await file_case("hana"))
    assert list(fields(card)) == ["number"]
    assert not fields(card)["number"].optional
    assert "受付番号を書いて" in said(await staff_turn(press(card, "duplicate")))


async def test_both_cards_know_each_other_and_the_reporter_is_told_once(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox
) -> None:
    leading, number = await file_case("hana"), await file_case("jiro")
    card = await card_of(number)
    chosen = press(card, "duplicate", nearby=leading)
    answers = await asyncio.gather(*(staff_turn(chosen, event_id=each) for each in ("a", "a", "b")))
    told_first, told_again, told_other = map(said, answers)
    assert told_first == told_again
    for words in ("まとめました。お知らせを受け取る通報者には", "すでに済んでいます"):
        assert (words in told_first) != (words in told_other), "one of the two presses counts"
    card, first = await card_of(number), await card_of(leading)
    assert (card.status, [each.action_id for each in card.actions]) == ("同じ通報とあわせて対応中", ["note"])
    assert shown(card)["まとめ先"] == leading, "its state may be another one by the time that this card is read"
    assert shown(first)["同じ通報"] == number
    assert texts(card) == [f"受付番号 {leading} と同じ通報として、まとめました"]
    assert texts(first) == [f"受付番号 {number} を、同じ通報としてここにまとめました"]
    events = await outbox()
    assert (told(events, "jiro"), told(events, "hana")) == (["ReportMarkedDuplicate"], [])
    (marked,) = (event for event in events if isinstance(event, facts.ReportMarkedDuplicate))
    assert marked.leading_report_id == first.card_id
    assert marked.reopen_before.ToDatetime() - marked.report.occurred_at.ToDatetime() == timedelta(days=14)
    cases = await say("jiro", "/cases")
    (button,) = cases.messages[1].carousel.cards[0].buttons
    assert (button.command.command, button.label) == ("reopen", "別の件です"), "as the message that told it says"
    assert leading not in str(cases)


@pytest.mark.parametrize(
    ("action", "fact", "status"),
    [("resolve", "ReportResolved", "対応完了"), ("reject", "ReportRejected", "対応しません")],
)
async def test_every_reporter_hears_of_the_leading_cases_end_once(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox, join: Join,
    action: str, fact: str, status: str,
) -> None:  # fmt: skip
    leading, *others = [await file_case(name) for name in ("hana", "jiro", "saburo")]
    for number in others:
        await join(number, leading)
    first = await card_of(leading)
    resolve = next(each for each in first.actions if each.action_id == action)
    assert "まとめた通報の通報者にも" in resolve.form.fields[0].placeholder
    presses = [staff_turn(press(first, action, words="本日おわりました"), event_id=each) for each in "aab"]
    await asyncio.gather(*presses)
    events = await outbox()
    assert told(events, "hana") == [fact]
    assert [told(events, name) for name in ("jiro", "saburo")] == [["ReportMarkedDuplicate", fact]] * 2
    for number in others:
        card = await card_of(number)
        assert (card.status, texts(card)[-1].endswith("本日おわりました")) == (status, True)
    if action == "resolve":
        await say("hana", f"/reopen case={leading}")
        await say("hana", "まだです")
        await staff_turn(press(await card_of(leading), "resolve", words="こんどこそ"))
        assert told(await outbox(), "jiro") == ["ReportMarkedDuplicate", fact], "who has an end hears of no other"
        assert "5 / 5" not in str(await card_of(others[0]))
        await say("jiro", f"/rate case={others[0]} score=5")
        assert shown(await card_of(others[0]))["評価"] == "5 / 5"


async def test_what_cannot_lead_is_refused_and_nothing_changes(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, join: Join
) -> None:
    number, elsewhere = await file_case("hana"), await file_case("jiro", place=MINAMI)
    card = await card_of(elsewhere, "roads-minami")
    closing = press(card, "resolve", "roads-minami", words="直しました")
    await staff_turn(closing, desks=("roads-minami",))
    assert "この通報そのもの" in await join(number, number)
    for unknown in ("FK-0000-0000", "どれか", "FK-7K3M-9Q2D"):
        assert "見つかりません" in await join(number, unknown)
    assert "別の担当課で終わって" in await join(number, elsewhere)
    stranger = press(await card_of(number), "duplicate", number=elsewhere)
    assert "操作できません" in said(await staff_turn(stranger, desks=("water",)))
    assert (await card_of(number)).version == 1


async def test_no_circles_and_no_chains(file_case: FileCase, card_of: CardOf, join: Join, outbox: Outbox) -> None:
    one, two, three, four = [await file_case(name) for name in ("hana", "jiro", "saburo", "shiro")]
    await join(two, one)
    assert "この通報そのもの" in await join(one, two), "its own duplicate cannot lead it"
    await join(three, two)
    assert shown(await card_of(three))["まとめ先"].startswith(one), "a duplicate sends on to its leading case"
    await join(one, four)
    for number in (one, two, three):
        assert shown(await card_of(number))["まとめ先"].startswith(four)
    assert {*shown(await card_of(four))["同じ通報"].split("・")} == {one, two, three}
    events = await outbox()
    assert [told(events, name) for name in ("hana", "jiro", "saburo")] == [["ReportMarkedDuplicate"]] * 3


async def test_two_desks_that_say_it_of_each_other_at_once_agree(
    file_case: FileCase, card_of: CardOf, join: Join
) -> None:
    one, two = await file_case("hana"), await file_case("jiro")
    await asyncio.gather(join(one, two), join(two, one))
    states = [(await card_of(number)).status for number in (one, two)]
    assert sorted(states) == ["受付済み", "同じ通報とあわせて対応中"]


async def test_nobody_joins_a_case_over_an_answer_they_have_not_seen(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox
) -> None:
    leading, number = await file_case("hana"), await file_case("jiro")
    await staff_turn(press(await card_of(number), "ask", words="どちらの穴ですか"))
    asked = next(event for event in await outbox() if isinstance(event, facts.ReporterAsked))
    card = await card_of(number)
    late = press(card, "duplicate", number=leading)
    late.version = card.version
    await say("jiro", "郵便局の前の、別の穴です", session=asked.session_id)
    seen = await card_of(number)
    assert said(await staff_turn(late)) == TEXTS.say("ja", "press.unread")
    assert (await card_of(number)).version == seen.version
    assert "まとめ先" not in shown(await card_of(number))
    late.version = seen.version
    assert "まとめました" in said(await staff_turn(late))


async def test_what_its_own_desk_closed_before_leads_to_the_same_end(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, outbox: Outbox, join: Join
) -> None:
    leading, number = await file_case("hana"), await file_case("jiro")
    await staff_turn(press(await card_of(leading), "resolve", words="昨日ふさぎました"))
    await join(number, leading)
    card = await card_of(number)
    assert (card.status, texts(card)) == ("対応完了", ["対応完了: 昨日ふさぎました"])
    assert told(await outbox(), "jiro") == ["ReportResolved"]


async def test_who_reopens_within_14_days_stands_for_themselves_again(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, say: Turn, clock: ManualClock, outbox: Outbox, join: Join
) -> None:
    leading, number = await file_case("hana"), await file_case("jiro")
    await join(number, leading)
    clock.advance(timedelta(days=13))
    assert "どこが違うか" in (await say("jiro", f"/reopen case={number}")).ask.prompt
    assert "もう一度担当課に" in said(await say("jiro", "別の穴です"))
    assert "まだ終わっていない" in said(await say("jiro", f"/reopen case={number}")), "nobody works on it yet"
    card, first = await card_of(number), await card_of(leading)
    assert card.status == "再開"
    assert "まとめ先" not in shown(card)
    assert "同じ通報" not in shown(first)
    assert texts(first)[-1] == f"受付番号 {number} は通報者が再開したため、ここから離れました"
    await staff_turn(press(first, "resolve", words="ふさぎました"))
    assert told(await outbox(), "jiro") == ["ReportMarkedDuplicate", "ReportReopened"]


async def test_after_14_days_it_stays_the_same(
    file_case: FileCase, card_of: CardOf, say: Turn, clock: ManualClock, join: Join
) -> None:
    leading, number = await file_case("hana"), await file_case("jiro")
    await join(number, leading)
    clock.advance(timedelta(days=14))
    assert "まだ終わっていない" in said(await say("jiro", f"/reopen case={number}"))
    assert shown(await card_of(leading))["同じ通報"] == number


async def test_a_rejection_is_taken_back_with_those_that_followed_it(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, outbox: Outbox, join: Join
) -> None:
    leading, number = await file_case("hana"), await file_case("jiro")
    await join(number, leading)
    await staff_turn(press(await card_of(leading), "reject", words="押しまちがい"))
    assert "unreject" not in [action.action_id for action in (await card_of(number)).actions], (
        "it ends as that one does"
    )
    assert "変更はありません" in said(await staff_turn(press(await card_of(number), "unreject")))
    assert "対応中に戻しました" in said(await staff_turn(press(await card_of(leading), "unreject")))
    assert [(await card_of(each)).status for each in (leading, number)] == ["対応中", "同じ通報とあわせて対応中"]
    assert told(await outbox(), "hana") == ["ReportRejected", "ReportAcknowledged"]
    assert told(await outbox(), "jiro") == ["ReportMarkedDuplicate", "ReportRejected", "ReportMarkedDuplicate"]
