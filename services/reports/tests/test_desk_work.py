"""Who holds a case, what colleagues tell each other about it, and what of that the reporter never hears."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import pytest
from google.protobuf.message import Message

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import CardAction, DeskCard
from machi.reports.v1.report_service_pb2 import GetUpdateRequest
from machi.reports.v1.report_service_pb2_grpc import ReportServiceStub
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing
from machi_sdk.rpc import Peers, for_tenant

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Message]]]
ONE, TWO, LEAD = "道路係 担当1", "道路係 担当2", "統括"


class Identity(Protocol):
    away: bool


def press(card: DeskCard, action: str, **values: str) -> wire.CardPress:
    return wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id=action, values=values)


def said(response: wire.TurnResponse) -> str:
    return response.messages[0].text.text


def held_by(card: DeskCard) -> str:
    return next((fact.value for fact in card.facts if fact.label == "担当者"), "")


def texts(card: DeskCard) -> list[str]:
    return [entry.text for entry in card.thread]


def action(card: DeskCard, name: str) -> CardAction | None:
    return next((each for each in card.actions if each.action_id == name), None)


def facts_of(events: list[Message]) -> list[str]:
    return [type(event).__name__ for event in events if not isinstance(event, CardAnnounced)]


@pytest.fixture
async def number(file_case: FileCase) -> str:
    return await file_case("hana")


async def test_who_takes_a_case_holds_it_and_the_next_one_hears_who_and_when(
    *, number: str, card_of: CardOf, staff_turn: Turn, clock: ManualClock, outbox: Outbox
) -> None:
    card = await card_of(number)
    assert held_by(card) == ""
    assert ONE in said(await staff_turn(press(card, "take")))
    card = await card_of(number)
    assert (held_by(card), card.status, texts(card)) == (ONE, "受付済み", [f"担当者: {ONE}"])
    assert action(card, "take") is None
    clock.advance(timedelta(minutes=5))
    second = said(await staff_turn(press(card, "take"), name=TWO))
    assert f"いまの担当者は{ONE}さん" in second
    assert "12:00" in second
    assert (await card_of(number)).version == 2
    assert facts_of(await outbox()) == ["ReportFiled"]


async def test_two_at_once_take_it_once(number: str, card_of: CardOf, staff_turn: Turn) -> None:
    card = await card_of(number)
    answers = await asyncio.gather(*(staff_turn(press(card, "take"), name=name) for name in (ONE, TWO, LEAD)))
    assert sum("いまの担当者は" in said(answer) for answer in answers) == 2
    assert (await card_of(number)).version == 2


async def test_a_case_is_given_to_a_colleague_of_the_desk_and_to_nobody_else(
    number: str, card_of: CardOf, staff_turn: Turn
) -> None:
    card = await card_of(number)
    assign = action(card, "assign")
    assert assign is not None
    assert assign.secondary
    assert [option.label for option in assign.form.fields[0].choice.options] == [LEAD, ONE, TWO]
    for stranger in ("staff-水道係", "staff-監査", "staff-どこにもいない", ""):
        assert "職員から選んで" in said(await staff_turn(press(card, "assign", colleague=stranger)))
    assert held_by(await card_of(number)) == ""
    assert TWO in said(await staff_turn(press(card, "assign", colleague=f"staff-{TWO}")))
    assert held_by(await card_of(number)) == TWO
    assert f"いまの担当者は{TWO}さん" in said(await staff_turn(press(card, "assign", colleague=f"staff-{TWO}")))
    await staff_turn(press(card, "assign", colleague=f"staff-{LEAD}"), name=TWO)
    card = await card_of(number)
    assert (held_by(card), texts(card)) == (LEAD, [f"担当者: {TWO}", f"担当者: {LEAD}"])


async def test_who_acknowledges_what_nobody_holds_holds_it(number: str, card_of: CardOf, staff_turn: Turn) -> None:
    await staff_turn(press(await card_of(number), "acknowledge"))
    assert held_by(await card_of(number)) == ONE
    assert f"いまの担当者は{ONE}さん" in said(await staff_turn(press(await card_of(number), "take"), name=TWO))


async def test_who_acknowledges_what_a_colleague_holds_leaves_it_to_them(
    number: str, card_of: CardOf, staff_turn: Turn
) -> None:
    card = await card_of(number)
    await staff_turn(press(card, "take"), name=TWO)
    await staff_turn(press(card, "acknowledge"))
    assert held_by(await card_of(number)) == TWO
    assert f"{TWO}さんが割り当てました" in said(await staff_turn(press(card, "take"), name=LEAD))


async def test_only_ids_of_staff_are_kept_about_who_holds_a_case(
    *, number: str, card_of: CardOf, staff_turn: Turn, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await staff_turn(press(await card_of(number), "assign", colleague=f"staff-{TWO}"))
    assert await connection.fetchval("SELECT assignee_id FROM reports") == f"staff-{TWO}"
    assert await connection.fetchval("SELECT text FROM updates WHERE kind = 'assignment'") == f"staff-{TWO}"


async def test_while_identity_was_never_reached_cards_are_shown_without_names(
    number: str, card_of: CardOf, staff_turn: Turn, ledger: Identity
) -> None:
    ledger.away = True
    card = await card_of(number)
    assert action(card, "assign") is None
    assert ONE in said(await staff_turn(press(card, "take")))
    assert held_by(await card_of(number)) == "職員"
    ledger.away = False
    assert held_by(await card_of(number)) == ONE
    ledger.away = True
    assert held_by(await card_of(number)) == ONE


async def test_another_desk_hears_whence_and_why_and_nobody_holds_it_there(
    number: str, card_of: CardOf, staff_turn: Turn
) -> None:
    card = await card_of(number)
    await staff_turn(press(card, "take"))
    assert "入力を確認" in said(await staff_turn(press(card, "handover", desk="water")))
    await staff_turn(press(card, "handover", desk="water", words="漏水です"))
    there = await card_of(number, "water")
    assert (held_by(there), texts(there)[-1]) == ("", "「中央区 道路維持係」からの引き継ぎ: 漏水です")
    assign = action(there, "assign")
    assert assign is not None
    assert [option.label for option in assign.form.fields[0].choice.options] == ["水道係", LEAD]
    assert "道路" not in (await card_of(number)).words


async def test_what_colleagues_tell_each_other_stays_inside_the_city(
    *, number: str, card_of: CardOf, staff_turn: Turn, say: Turn, outbox: Outbox, peers_of: Callable[[str], Peers],
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:  # fmt: skip
    card = await card_of(number)
    assert "通報者には届きません" in said(await staff_turn(press(card, "note", words="犬に <注意> & 内密")))
    await staff_turn(press(card, "take"))
    await staff_turn(press(card, "handover", desk="water", words="内密の理由"))
    there = await card_of(number, "water")
    assert texts(there)[0] == "【内部メモ・通報者には届きません】犬に <注意> & 内密"
    assert there.thread[0].author_label == ONE
    events = await outbox()
    assert facts_of(events) == ["ReportFiled", "ReportHandedOver"]
    assert "内密" not in str(events)
    cases = ReportServiceStub(peers_of("notifications").channel("reports"))
    for row in await connection.fetch("SELECT update_id FROM updates"):
        with pytest.raises(Missing, match="update-unknown"):
            await cases.GetUpdate(
                GetUpdateRequest(report_id=card.card_id, update_id=row["update_id"]),
                timeout=30,
                metadata=for_tenant("fukuoka"),
            )
    for words in ("/cases", f"/answer case={number}"):
        assert "内密" not in str(await say("hana", words))


async def test_a_note_counts_once_and_not_for_strangers(number: str, card_of: CardOf, staff_turn: Turn) -> None:
    card = await card_of(number)
    note = press(card, "note", words="二重の穴")
    assert await staff_turn(note, event_id="same") == await staff_turn(note, event_id="same")
    for name in ("take", "assign", "note"):
        refused = await staff_turn(press(card, name, words="x", colleague=f"staff-{ONE}"), desks=("water",))
        assert "操作できません" in said(refused)
    card = await card_of(number)
    assert (len(card.thread), card.version) == (1, 2)
