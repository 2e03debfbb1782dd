"""An officer asks, the reporter answers: once, whichever way, and whatever they were doing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.message import Message

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_RESIDENT, DeskCard
from machi.dialogue.v1.messages_pb2 import Command
from machi.reports.v1.events_pb2 import ReporterAsked, ReporterWrittenTo
from machi_sdk.clock import ManualClock

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.integration
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
Ask = Callable[[str], Awaitable[None]]
Question = Callable[[str], Awaitable[str]]
Act = Callable[[str, str], Awaitable[str]]
Standing = tuple[str, str, list[str]]
WAITS: Standing = ("回答待ち", "あなたの回答を待っています", ["answer"])
ANSWERED: Standing = ("回答済み", "担当課にあなたの回答が届いています", [])
Shown = Callable[[], Awaitable[Standing]]


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


@pytest.fixture
def act(number: str, card_of: CardOf, staff_turn: Turn, outbox: Callable[[], Awaitable[list[Message]]]) -> Act:
    """An officer does something with the case, or writes in its thread; the session that waits for an answer."""

    async def acted(action: str, words: str) -> str:
        card = await card_of(number)
        card_id, desk_id = card.card_id, card.desk_id
        if action == "thread":
            await staff_turn(wire.CardReply(card_id=card_id, desk_id=desk_id, text=words))
        else:
            press = wire.CardPress(card_id=card_id, desk_id=desk_id, action_id=action, values={"words": words})
            await staff_turn(press)
        waiting = [event for event in await outbox() if isinstance(event, ReporterAsked | ReporterWrittenTo)]
        return waiting[-1].session_id

    return acted


@pytest.fixture
def shown(number: str, card_of: CardOf, say: Turn) -> Shown:
    """How the case stands for its desk and for its reporter, and what its reporter can press."""

    async def stands() -> Standing:
        cards = (await say("hana", "/cases")).messages[1].carousel.cards
        mine = next(card for card in cards if number in str(card.facts))
        state = next(fact.value for fact in mine.facts if fact.label == "状況")
        return (await card_of(number)).status, state, [button.command.command for button in mine.buttons]

    return stands


async def answers(number: str, card_of: CardOf) -> list[str]:
    return [entry.text for entry in (await card_of(number)).thread if entry.author == THREAD_AUTHOR_RESIDENT]


async def test_a_pressed_answer_is_asked_for_once(number: str, ask: Ask, say: Turn, card_of: CardOf) -> None:
    await ask("右側ですか")
    assert "右側ですか" in (await say("hana", f"/answer case={number}")).ask.prompt
    done = await say("hana", "左側です")
    assert (done.messages[0].card.title, done.HasField("ask")) == ("担当課に伝えました", False)
    assert await answers(number, card_of) == ["左側です"]


async def test_another_question_still_follows(number: str, ask: Ask, say: Turn) -> None:
    await ask("右側ですか")
    await ask("深いですか")
    assert "深いですか" in (await say("hana", f"/answer case={number}")).ask.prompt
    assert "右側ですか" in (await say("hana", "はい、深いです")).ask.prompt
    assert not (await say("hana", "左側です")).HasField("ask")


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


async def test_a_question_in_the_same_words_still_waits(
    *, number: str, ask: Ask, say: Turn, question: Question, shown: Shown
) -> None:
    await ask("どこですか")
    pressed = f"/answer case={number} question={await question('どこですか')}"
    await ask("どこですか")
    await say("hana", pressed)
    assert "どこですか" in (await say("hana", "右側です")).ask.prompt
    await say("hana", "バス停の前です")
    assert await shown() == ANSWERED


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
    stopped = await say("hana", "!cancel")
    assert not stopped.HasField("ask")
    assert stopped.messages[0].text.text == "やめました。", "what was passed on before was sent"
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
    assert not (await say("hana", "左側です")).HasField("ask")
    assert await answers(number, card_of) == ["左側です"]


async def test_thanks_for_a_message_answer_no_question(
    *, number: str, act: Act, say: Turn, shown: Shown, clock: ManualClock, card_of: CardOf
) -> None:
    await act("ask", "右側ですか")
    clock.advance(timedelta(minutes=1))
    await say("hana", "わかりました、ありがとう", session=await act("thread", "明日うかがいます"))
    assert await answers(number, card_of) == ["わかりました、ありがとう"]
    assert await shown() == WAITS
    assert "右側ですか" in (await say("hana", f"/answer case={number}")).ask.prompt
    await say("hana", "左側です")
    assert await shown() == ANSWERED


async def test_one_of_two_questions_is_still_open(
    *, number: str, act: Act, say: Turn, shown: Shown, clock: ManualClock
) -> None:
    await act("ask", "右側ですか")
    clock.advance(timedelta(minutes=1))
    await say("hana", "はい、深いです", session=await act("ask", "深いですか"))
    assert await shown() == WAITS
    assert "右側ですか" in (await say("hana", f"/answer case={number}")).ask.prompt, "not the one that was answered"
    await say("hana", "左側です")
    assert await shown() == ANSWERED
    assert "すでに" in (await say("hana", f"/answer case={number}")).messages[0].text.text


async def test_a_question_whose_answer_was_taken_back_is_open_again(act: Act, say: Turn, shown: Shown) -> None:
    await say("hana", "左側です", event_id="e-1", session=await act("ask", "右側ですか"))
    assert await shown() == ANSWERED
    await say("hana", wire.Retract(event_id="e-1"))
    assert await shown() == WAITS


async def test_taking_back_something_else_opens_no_question(act: Act, say: Turn, shown: Shown) -> None:
    await say("hana", "左側です", session=await act("ask", "右側ですか"))
    await say("hana", "ありがとう", event_id="e-1", session=await act("thread", "明日うかがいます"))
    await say("hana", wire.Retract(event_id="e-1"))
    assert await shown() == ANSWERED


async def test_a_question_about_a_closed_case_can_be_answered_there(
    *, number: str, act: Act, say: Turn, shown: Shown, clock: ManualClock, file_case: Callable[..., Awaitable[str]]
) -> None:
    await act("ask", "右側ですか")
    clock.advance(timedelta(minutes=1))
    await act("resolve", "舗装しました")
    assert (await shown())[2] == ["rate", "reopen"], "what was asked before the end waits no more"
    clock.advance(timedelta(minutes=1))
    await act("ask", "深いですか")
    await file_case("hana")
    assert number in str((await say("hana", "/cases")).messages[1].carousel.cards[0]), "first in the list"
    assert await shown() == ("対応完了", "対応完了", ["answer", "rate", "reopen"])
    one = wire.Open(command="cases", arguments={"text": number})
    buttons = (await say("hana", one)).messages[0].card.buttons
    assert [button.command.command for button in buttons] == ["answer", "rate", "reopen"]
    assert "深いですか" in (await say("hana", f"/answer case={number}")).ask.prompt


@pytest.mark.parametrize("closing", ["resolve", "reject"])
async def test_a_reply_to_a_message_about_a_closed_case_reaches_the_office(
    *, number: str, act: Act, say: Turn, card_of: CardOf, question: Question, closing: str
) -> None:
    await act("ask", "右側ですか")
    await act(closing, "終わりました")
    session = await act("thread", "工事は済みました")
    assert session, "what is written right away is taken, too"
    asked = (await say("hana", f"/answer case={number} question={await question('工事は済みました')}")).ask
    assert (asked.key, "右側ですか" in asked.prompt) == ("words", False), "the button of the message asks nothing else"
    await say("hana", "まだ穴があります")
    assert (await answers(number, card_of))[-1] == "まだ穴があります"


async def test_who_was_rejected_can_write_back(
    *, number: str, act: Act, say: Turn, shown: Shown, card_of: CardOf, ask: Ask
) -> None:
    await ask("右側ですか")
    await act("reject", "市の道路ではありません")
    assert await shown() == ("対応しません", "対応しません", ["answer"])
    button = (await say("hana", "/cases")).messages[1].carousel.cards[0].buttons[0]
    assert button.label == "担当課に伝える"
    assert "右側ですか" not in (await say("hana", wire.Open(**_opened(button.command)))).ask.prompt
    await say("hana", "市の道路です")
    assert await answers(number, card_of) == ["市の道路です"]


async def test_who_writes_in_short_lines_can_add_to_an_answer(
    *, number: str, act: Act, say: Turn, card_of: CardOf
) -> None:
    done = await say("hana", "左側です", session=await act("ask", "右側ですか"))
    button = done.messages[0].card.buttons[0]
    assert button.label == "追加で伝える"
    more = await say("hana", wire.Open(**_opened(button.command)))
    assert (more.ask.key, "右側" in more.ask.prompt) == ("words", False)
    await say("hana", "パン屋の前です")
    assert await answers(number, card_of) == ["左側です", "パン屋の前です"]


@pytest.mark.parametrize(("words", "phones"), [("ガスのにおいがします", 1), ("左側です", 0)])
async def test_who_tells_the_office_of_a_danger_hears_whom_to_phone(
    *, act: Act, say: Turn, words: str, phones: int
) -> None:
    done = await say("hana", words, session=await act("ask", "様子はどうですか"))
    links = [message.link.uri for message in done.messages if message.HasField("link")]
    assert [uri.startswith("tel:") for uri in links] == [True] * phones


async def test_who_reopens_a_case_for_a_danger_hears_whom_to_phone(number: str, act: Act, say: Turn) -> None:
    await act("ask", "右側ですか")
    await act("resolve", "舗装しました")
    await say("hana", f"/reopen case={number}")
    done, phone = (await say("hana", "まだガスのにおいがします")).messages
    assert (done.HasField("text"), phone.link.uri) == (True, "tel:+81-92-000-0190")


async def test_what_is_written_right_after_an_answer_reaches_the_office_and_what_comes_later_does_not(
    *, number: str, act: Act, say: Turn, card_of: CardOf, clock: ManualClock
) -> None:
    await say("hana", "左側です", session=await act("ask", "右側ですか"))
    clock.advance(timedelta(minutes=1))
    assert (await say("hana", "パン屋の前です")).messages[0].card.title == "担当課に伝えました"
    assert await answers(number, card_of) == ["左側です", "パン屋の前です"]
    clock.advance(timedelta(minutes=2))
    late = await say("hana", "公園の遊具が壊れています")
    assert (late.session_state, late.understood) == (wire.SESSION_STATE_ENDED, False)
    assert len(await answers(number, card_of)) == 2


async def test_nobody_is_asked_out_of_the_blue_for_what_may_come_right_after(
    number: str, act: Act, say: Turn, file_case: Callable[..., Awaitable[str]]
) -> None:
    await say("hana", "左側です", session=await act("ask", "右側ですか"))
    assert await file_case("hana") != number
    assert not (await say("hana", f"/rate case={number}")).HasField("ask")


def _opened(command: Command) -> dict[str, Any]:
    return {"command": command.command, "arguments": dict(command.arguments)}
