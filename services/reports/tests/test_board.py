"""A member of staff's day: what is theirs, what is nobody's, what waits, and what is oldest, at their desks only."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from stand_in import Ledger

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import BoardSection, DeskCard
from machi_sdk.clock import ManualClock
from machi_sdk.rpc import for_tenant

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Board = Callable[..., Awaitable[dict[str, BoardSection]]]
ONE = "道路係 担当1"


@pytest.fixture
def board(slack: "DialogueServiceAsyncStub", seeded: None) -> Board:  # noqa: ARG001 (the city has a catalogue)
    async def sections(
        desks: tuple[str, ...] = ("roads-chuo",), role: str = "officer", most: int = 10
    ) -> dict[str, BoardSection]:
        staff = wire.StaffActor(staff_id=f"staff-{ONE}", display_name=ONE, desk_ids=desks, roles=[role])
        request = wire.BoardRequest(staff=staff, language="ja", most=most)
        answer = await slack.Board(request, timeout=30, metadata=for_tenant("fukuoka"))
        return {section.section_id: section for section in answer.sections}

    return sections


def press(card: DeskCard, action: str, **values: str) -> wire.CardPress:
    return wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id=action, values=values)


def numbers(section: BoardSection) -> list[str]:
    return [line.number for line in section.lines]


async def test_each_list_names_its_cases_the_oldest_first(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, board: Board, clock: ManualClock
) -> None:
    old = await file_case("hana", "秘密の言葉")
    clock.advance(timedelta(days=7))
    mine, asked, done = [await file_case(name) for name in ("jiro", "saburo", "shiro")]
    await staff_turn(press(await card_of(mine), "take"))
    await staff_turn(press(await card_of(asked), "ask", words="どこですか"), name="道路係 担当2")
    await staff_turn(press(await card_of(done), "resolve", words="直しました"))
    found = await board()
    assert {name: numbers(section) for name, section in found.items()} == {
        "mine": [mine],
        "unassigned": [old, asked],
        "asked": [asked],
        "oldest": [old, mine, asked],
    }
    (line, *_) = found["oldest"].lines
    assert (line.title, line.detail, line.opened_ago, line.note) == ("道路・歩道", "中央区", "7日前", "目安超過")
    assert (line.card_id, line.desk_id) == ((await card_of(old)).card_id, "roads-chuo")
    assert found["mine"].lines[0].note == ""
    assert "秘密" not in str(found)
    few = await board(most=1)
    assert (numbers(few["oldest"]), few["oldest"].total) == ([old], 3)


async def test_what_somebody_holds_who_left_the_desk_is_nobodys(
    file_case: FileCase, card_of: CardOf, staff_turn: Turn, board: Board
) -> None:
    left, held, handed = [await file_case(name) for name in ("hana", "jiro", "saburo")]
    for number in (left, handed):
        await staff_turn(press(await card_of(number), "take"), name="水道係")
    await staff_turn(press(await card_of(held), "take"), name="道路係 担当2")
    await staff_turn(press(await card_of(handed), "handover", desk="water", words="漏水です"))
    await staff_turn(press(await card_of(handed, "water"), "take"), name="水道係", desks=("water",))
    assert numbers((await board(("roads-chuo", "water")))["unassigned"]) == [left]


async def test_while_identity_was_never_reached_whoever_was_given_a_case_holds_it(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, board: Board, ledger: Ledger
) -> None:
    ledger.away = True
    held, free = await file_case("hana"), await file_case("jiro")
    await staff_turn(press(await card_of(held), "take"), name="水道係")
    assert numbers((await board())["unassigned"]) == [free]


async def test_a_reopened_case_is_late_when_its_desk_is_reminded_again(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, say: Turn, board: Board, clock: ManualClock
) -> None:
    async def note() -> str:
        (line,) = (await board())["oldest"].lines
        return line.note

    card = await card_of(await file_case("hana"))
    clock.advance(timedelta(days=7))
    assert await note() == "目安超過"
    await staff_turn(press(card, "resolve", words="直しました"))
    await say("hana", f"/reopen case={card.card_id}")
    await say("hana", "まだ直っていません")
    assert await note() == "", "it began anew"
    clock.advance(timedelta(days=7))
    assert await note() == "目安超過"


@pytest.mark.parametrize(
    ("desks", "role", "lists"), [(("water",), "officer", 4), ((), "officer", 0), (("roads-chuo",), "auditor", 0)]
)
async def test_nobody_sees_what_is_not_at_their_desks(
    *, file_case: FileCase, board: Board, desks: tuple[str, ...], role: str, lists: int
) -> None:
    await file_case("hana")
    found = await board(desks, role)
    assert (len(found), [section.total for section in found.values() if section.total]) == (lists, [])
