"""An officer asks, the reporter answers: once, whichever way, and whatever they were doing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_RESIDENT, DeskCard
from machi_sdk.clock import ManualClock

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
Ask = Callable[[str], Awaitable[None]]
Question = Callable[[str], Awaitable[str]]


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


@pytest.fixture
def question(connection: "asyncpg.Connection[asyncpg.Record]") -> Callable[[str], Awaitable[str]]:
    """The id that the button under a question carries."""

    async def found(words: str) -> str:
        return str(await connection.fetchval("SELECT update_id FROM updates WHERE text = $1", words))

    return found


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


async def test_a_pressed_answer_is_about_the_question_it_stands_under(
    *, number: str, ask: Ask, say: Turn, card_of: CardOf, question: Question
) -> None:
    await ask("右側ですか")
    await ask("深いですか")
    pressed = f"/answer case={number} question={await question('右側ですか')}"
    assert "右側ですか" in (await say("hana", pressed)).ask.prompt
    assert "深いですか" in (await say("hana", "左側です")).ask.prompt, "it still waits"
    assert "すでに" in (await say("hana", pressed)).messages[0].text.text
    await say("hana", "はい、深いです")
    assert await answers(number, card_of) == ["「右側ですか」への回答: 左側です", "はい、深いです"]


async def test_an_answer_that_was_taken_back_can_be_given_again(
    *, number: str, ask: Ask, say: Turn, question: Question
) -> None:
    await ask("右側ですか")
    pressed = f"/answer case={number} question={await question('右側ですか')}"
    await say("hana", pressed)
    await say("hana", "左側です", event_id="e-1")
    await say("hana", wire.Retract(event_id="e-1"))
    assert "右側ですか" in (await say("hana", pressed)).ask.prompt


@pytest.mark.parametrize("pressed", [True, False])
async def test_who_gives_up_an_answer_is_not_asked_another_about_the_case(
    *, number: str, ask: Ask, say: Turn, card_of: CardOf, question: Question, pressed: bool
) -> None:
    await ask("右側ですか")
    await ask("深いですか")
    await say("hana", f"/answer case={number}")
    if not pressed:  # what an officer's question opened is asked next
        await say("hana", "はい")
    assert not (await say("hana", "!cancel")).HasField("ask")
    assert not (await say("hana", "もしもし")).HasField("ask")
    assert await answers(number, card_of) == ([] if pressed else ["はい"])
    waiting = f"/answer case={number} question={await question('右側ですか')}"
    assert "右側ですか" in (await say("hana", waiting)).ask.prompt


async def test_another_case_still_asks_after_an_answer_was_given_up(
    *, number: str, ask: Ask, say: Turn, card_of: CardOf, staff_turn: Turn, file_case: Callable[..., Awaitable[str]]
) -> None:
    other = await card_of(await file_case("hana"))
    press = wire.CardPress(card_id=other.card_id, desk_id=other.desk_id, action_id="ask")
    press.values["words"] = "色は何ですか"
    await staff_turn(press)
    await ask("右側ですか")
    await say("hana", f"/answer case={number}")
    assert "色は何ですか" in (await say("hana", "!cancel")).ask.prompt


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
