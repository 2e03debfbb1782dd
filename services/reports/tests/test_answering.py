"""An officer asks, the reporter answers: once, whichever way, and whatever they were doing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_RESIDENT, DeskCard
from machi_sdk.clock import ManualClock

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
Ask = Callable[[str], Awaitable[None]]


@pytest.fixture
async def number(file_case: Callable[..., Awaitable[str]]) -> str:
    """A case of Hana's."""
    return await file_case("hana")


@pytest.fixture
def ask(number: str, card_of: CardOf, staff_turn: Turn) -> Ask:
    """An officer asks about the case."""

    async def asked(words: str) -> None:
        card = await card_of(number)
        press = wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id="ask")
        press.values["words"] = words
        await staff_turn(press)

    return asked


async def answers(number: str, card_of: CardOf) -> list[str]:
    return [entry.text for entry in (await card_of(number)).thread if entry.author == THREAD_AUTHOR_RESIDENT]


async def test_a_pressed_answer_is_asked_for_once(number: str, ask: Ask, say: Turn, card_of: CardOf) -> None:
    await ask("右側ですか")
    assert "右側ですか" in (await say("hana", f"/answer case={number}")).ask.prompt
    done = await say("hana", "左側です")
    assert (done.session_state, done.HasField("ask")) == (wire.SESSION_STATE_ENDED, False)
    assert await answers(number, card_of) == ["左側です"]


async def test_another_question_still_follows(number: str, ask: Ask, say: Turn) -> None:
    await ask("右側ですか")
    await ask("深いですか")
    assert "深いですか" in (await say("hana", f"/answer case={number}")).ask.prompt
    assert "右側ですか" in (await say("hana", "はい、深いです")).ask.prompt
    assert (await say("hana", "左側です")).session_state == wire.SESSION_STATE_ENDED


async def test_who_answers_in_the_middle_of_a_report_is_led_back(number: str, ask: Ask, say: Turn) -> None:
    await ask("右側ですか")
    for words in ("/report", "=light", "=dark", "中央区天神1丁目"):
        await say("hana", words)
    reporting = await say("hana", "!skip")
    await say("hana", f"/answer case={number}")
    back = await say("hana", "左側です")
    assert (back.session_id, back.ask) == (reporting.session_id, reporting.ask)


async def test_a_report_left_days_ago_swallows_no_answer(
    number: str, ask: Ask, say: Turn, card_of: CardOf, clock: ManualClock
) -> None:
    await say("hana", "/report")
    await say("hana", "=light")
    clock.advance(timedelta(hours=73))
    await ask("右側ですか")
    assert (await say("hana", "左側です")).session_state == wire.SESSION_STATE_ENDED
    assert await answers(number, card_of) == ["左側です"]
