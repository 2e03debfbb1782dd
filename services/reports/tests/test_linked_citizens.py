"""Who linked two channels goes on under another id; no fact of it arrives here, unless a test says so."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import asyncpg
import pytest
from google.protobuf.message import Message
from PIL import Image
from stand_in import Ledger

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi.reports.v1 import events_pb2 as facts
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_sdk.aliases import take_merges
from machi_sdk.envelope import Received
from machi_sdk.ids import new_id
from machi_sdk.rpc import for_tenant
from machi_sdk.service import Pod

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub

pytestmark = pytest.mark.integration
TENJIN = (33.5903, 130.3989)
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Message]]]


async def photo(line: "DialogueServiceAsyncStub", citizen: str) -> wire.Photo:
    """Send a photo as that citizen."""
    out = BytesIO()
    Image.new("RGB", (64, 48), "navy").save(out, "JPEG")

    async def parts() -> AsyncIterator[wire.PutMediaRequest]:
        header = wire.MediaHeader(event_id=new_id(), citizen_id=citizen, content_type="image/jpeg")
        yield wire.PutMediaRequest(header=header)
        yield wire.PutMediaRequest(chunk=out.getvalue())

    stored = await line.PutMedia(parts(), timeout=20, metadata=for_tenant("fukuoka"))
    return wire.Photo(media_id=stored.media_id)


async def hear(pod: Pod, from_id: str, into_id: str) -> None:
    """The fact of a merge arrives."""
    event = CitizenMerged(from_id=from_id, into_id=into_id)
    at = datetime.now(UTC)
    async with pod.works(ReportsWork, CONSTRAINTS).begin("fukuoka") as work:
        await take_merges([Received(event, new_id(), "x", "fukuoka", into_id, at, "machi.citizens.v1", {})], work)


async def to_words(say: Turn, citizen: str, picture: wire.Photo) -> str:
    """Walk up to the question for words; returns the session."""
    for answer in ("/report", "=road", "=pothole", TENJIN, picture, "!skip"):
        response = await say(citizen, answer)
    assert response.ask.key == "words"
    return response.session_id


async def test_a_report_begun_under_one_id_is_finished_under_the_other(
    *, say: Turn, line: "DialogueServiceAsyncStub", card_of: CardOf, outbox: Outbox, file_case: FileCase, ledger: Ledger
) -> None:
    earlier = await file_case("on-line")
    ledger.statuses["on-slack"] = ledger.statuses["on-line"]  # identity knows that they are one
    session = await to_words(say, "on-line", await photo(line, "on-line"))
    on_slack = {"session": session, "former": ("on-line",)}
    assert (await say("on-slack", wire.Resume(), **on_slack)).ask.key == "words"
    response = await say("on-slack", "横断歩道の前です", **on_slack)
    if response.ask.key == "messages":
        response = await say("on-slack", "=yes", **on_slack)
    done = await say("on-slack", "=yes", **on_slack)
    number = done.messages[0].receipt.number
    assert (await card_of(number)).photos, "the photo sent under the former id is the report's"
    cards = (await say("on-slack", "/cases", former=("on-line",))).messages[1].carousel.cards
    assert {fact.value for card in cards for fact in card.facts} >= {earlier, number}
    filed = [event.report for event in await outbox() if isinstance(event, facts.ReportFiled)]
    assert [ref.citizen_id for ref in filed] == ["on-line", "on-slack"]


async def test_who_still_goes_by_the_old_id_after_the_merge_was_heard_of_is_the_same_person(
    say: Turn,
    line: "DialogueServiceAsyncStub",
    pod: Pod,
    card_of: CardOf,
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    for answer in ("/report", "=road", "=pothole", TENJIN):
        await say("old", answer)
    await hear(pod, "old", "new")
    assert (await say("old", await photo(line, "old"))).ask.key == "photo"
    response = await say("old", "穴があります")
    if response.ask.key == "messages":
        response = await say("old", "=yes")
    number = (await say("old", "=yes")).messages[0].receipt.number
    assert (await card_of(number)).photos
    for table in ("reports", "photos", "dialogue_sessions"):
        owners = await connection.fetch(f"SELECT DISTINCT citizen_id FROM {table}")
        assert [row["citizen_id"] for row in owners] == ["new"], table


async def test_somebody_else_does_not_get_at_it(say: Turn, line: "DialogueServiceAsyncStub") -> None:
    session = await to_words(say, "on-line", await photo(line, "on-line"))
    stranger = await say("stranger", "わたしのです", session=session, former=("nobody",))
    assert stranger.understood is False
    assert stranger.session_state == wire.SESSION_STATE_ENDED


async def test_an_officers_question_finds_the_person_under_the_new_id(
    say: Turn, file_case: FileCase, staff_turn: Turn, outbox: Outbox, pod: Pod
) -> None:
    await file_case("old")
    filed = next(event.report for event in await outbox() if isinstance(event, facts.ReportFiled))
    await hear(pod, "old", "new")
    ask = wire.CardPress(card_id=filed.report_id, desk_id="roads-chuo", action_id="ask", values={"words": "どこですか"})
    await staff_turn(ask)
    asked = next(event for event in await outbox() if isinstance(event, facts.ReporterAsked))
    assert asked.report.citizen_id == "new"
    answered = await say("new", "角です", session=asked.session_id)
    assert not answered.HasField("ask")


async def test_words_taken_back_under_the_new_id_leave_the_card(
    say: Turn, card_of: CardOf, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    for answer in ("/report", "=road", "=pothole", TENJIN, "!skip"):
        await say("old", answer)
    await say("old", "名前は山田です", event_id="words-event")
    for _ in range(2):
        response = await say("old", "=yes")
    number = response.messages[0].receipt.number
    await say("new", wire.Retract(event_id="words-event"), former=("old",))
    assert "山田" not in str(await card_of(number))
    assert await connection.fetchval("SELECT count(*) FROM updates WHERE text LIKE '%山田%'") == 0
