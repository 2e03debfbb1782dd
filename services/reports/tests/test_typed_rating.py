"""A rating that is typed instead of pressed, in answer to "rate our work"."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import InstalledOpenings
from machi_sdk.errors import Missing
from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import load_manifest

MANIFEST = Path(__file__).parents[1] / "service.yaml"
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]


def typed(words: str) -> wire.Open:
    return wire.Open(command="rate", arguments={"text": words})


@pytest.fixture
async def done(file_case: FileCase, card_of: CardOf, staff_turn: Turn, clock: ManualClock) -> list[str]:
    """Two cases of Hana's, the second one done last, and a third that is open."""
    numbers = [await file_case("hana") for _ in range(3)]
    for number in numbers[:2]:
        clock.advance(timedelta(minutes=1))
        card = await card_of(number)
        press = wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id="resolve")
        press.values["words"] = "直しました"
        await staff_turn(press)
    return numbers


@pytest.mark.integration
@pytest.mark.parametrize(("words", "score"), [("5", "5"), ("★4", "4"), ("３点", "3")])
async def test_a_typed_rating_counts_for_the_case_that_was_done_last(
    *, done: list[str], words: str, score: str, say: Turn, card_of: CardOf
) -> None:
    assert score in (await say("hana", typed(words))).messages[0].text.text
    ratings = [[fact.value for fact in (await card_of(each)).facts if fact.label == "評価"] for each in done]
    assert ratings == [[], [f"{score} / 5"], []]


@pytest.mark.integration
async def test_a_typed_rating_can_be_taken_back(done: list[str], say: Turn, card_of: CardOf) -> None:
    await say("hana", typed("5"), event_id="rated")
    await say("hana", wire.Retract(event_id="rated"), session="")
    assert "評価" not in {fact.label for fact in (await card_of(done[1])).facts}


@pytest.mark.integration
async def test_a_number_is_no_rating_where_none_is_asked_for(done: list[str], say: Turn, clock: ManualClock) -> None:
    assert done
    with pytest.raises(Missing, match="nothing-to-rate"):
        await say("jiro", typed("5"))
    clock.advance(timedelta(hours=73))
    with pytest.raises(Missing, match="nothing-to-rate"):
        await say("hana", typed("5"))


@pytest.mark.parametrize(
    ("words", "is_rating"),
    [("5", True), ("★4", True), ("３★", True), ("5 stars", True), ("5点", True), ("6", False), ("5 holes", False)],
)
async def test_what_is_taken_for_a_rating(words: str, *, is_rating: bool) -> None:
    pods = InstalledPods()
    await pods.put(load_manifest(MANIFEST))
    meant = InstalledOpenings(pods).by_phrase(words)
    assert (meant is not None and meant[0].command == "rate") == is_rating
