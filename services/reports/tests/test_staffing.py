"""Who leaves a desk holds nothing there any more, and its cards offer who is there."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from google.protobuf.message import Message
from stand_in import Ledger

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi.identity.v1.staff_service_pb2 import Staff
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.colleagues import RpcColleagues
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.entrypoints.staffing import Staffing
from machi_reports.use_cases.renew_desk import KNOWN_WITHIN, MOST
from machi_sdk.clock import ManualClock
from machi_sdk.service import Pod

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Announced = Callable[[], Awaitable[list[str]]]
Look = Callable[[], Awaitable[None]]
ONE, TWO = "道路係 担当1", "道路係 担当2"
# Works at the desk for water only, whatever they held elsewhere before.
LEFT = "水道係"
SECOND = timedelta(seconds=1)


def press(card: DeskCard, action: str) -> wire.CardPress:
    return wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id=action)


def held_by(card: DeskCard) -> str:
    return next((fact.value for fact in card.facts if fact.label == "担当者"), "")


@pytest.fixture
def look(pod: Pod, clock: ManualClock) -> Look:
    """What the pod does every minute, with the registry as it is now."""
    works = pod.works(ReportsWork, CONSTRAINTS)

    async def once() -> None:
        colleagues = RpcColleagues(pod.peers)
        await Staffing(["fukuoka"], works, MemoryCatalogues(works), clock, colleagues).round("fukuoka")

    return once


@pytest.fixture
def announced(outbox: Callable[[], Awaitable[list[Message]]]) -> Announced:
    """The cards announced so far, by desk and version."""

    async def cards() -> list[str]:
        return [f"{each.desk_id} {each.version}" for each in await outbox() if isinstance(each, CardAnnounced)]

    return cards


@pytest.mark.parametrize("action", ["take", "acknowledge"])
async def test_a_successor_takes_the_case_of_who_left_the_desk(
    action: str, *, file_case: FileCase, card_of: CardOf, staff_turn: Turn
) -> None:
    number = await file_case("hana")
    await staff_turn(press(await card_of(number), "take"), name=LEFT)
    card = await card_of(number)
    assert held_by(card) == ""
    assert "take" in [each.action_id for each in card.actions]
    await staff_turn(press(card, action), name=TWO)
    assert held_by(await card_of(number)) == TWO
    held = await staff_turn(press(card, "take"))
    assert f"いまの担当者は{TWO}さん" in held.messages[0].text.text


async def test_who_left_the_city_holds_nothing_and_is_called_a_colleague(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, ledger: Ledger
) -> None:
    number = await file_case("hana")
    ledger.staff[:] = [one for one in ledger.staff if one.display_name != ONE]
    await staff_turn(press(await card_of(number), "take"), name=ONE)
    card = await card_of(number)
    assert held_by(card) == ""
    assert (card.thread[-1].author_label, card.thread[-1].text) == (ONE, "担当者: 職員")
    await staff_turn(press(card, "take"), name=TWO)
    assert held_by(await card_of(number)) == TWO


async def test_open_cards_are_announced_once_when_their_desks_staff_changed(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, ledger: Ledger, look: Look, announced: Announced,
    clock: ManualClock, outbox: Callable[[], Awaitable[list[Message]]],
) -> None:  # fmt: skip
    closed = await card_of(await file_case("hana"))
    await staff_turn(press(closed, "acknowledge"))
    resolve = press(closed, "resolve")
    resolve.values["words"] = "直しました"
    await staff_turn(resolve)
    await file_case("jiro")
    await file_case("saburo", place=(33.5603, 130.4269))
    before = await announced()
    clock.advance(SECOND)
    await look()
    clock.advance(KNOWN_WITHIN)
    await look()
    assert await announced() == before, "the desks are seen for the first time"
    ledger.staff.append(Staff(staff_id="new", display_name="新任", roles=["officer"], desk_ids=["roads-chuo"]))
    await look()
    assert await announced() == before, "another replica may not know it yet"
    clock.advance(KNOWN_WITHIN)
    for _ in range(2):
        await look()
    assert await announced() == [*before, "roads-chuo 2"]
    cards = [each for each in await outbox() if isinstance(each, CardAnnounced)]
    assert [each.quiet for each in cards] == [False] * len(before) + [True], "in a list it stays a line"


async def test_what_changed_since_then_is_not_announced_again(
    *, file_case: FileCase, card_of: CardOf, staff_turn: Turn, ledger: Ledger, look: Look, announced: Announced,
    clock: ManualClock,
) -> None:  # fmt: skip
    numbers = [await file_case(f"citizen-{each}") for each in range(MOST + 2)]
    await look()
    ledger.staff[:] = [one for one in ledger.staff if one.display_name != TWO]
    await look()
    clock.advance(KNOWN_WITHIN)
    await staff_turn(press(await card_of(numbers[0]), "take"))
    before = await announced()
    await look()
    assert (await announced())[len(before) :] == ["roads-chuo 2"] * (MOST + 1)
