"""A case that leads a thousand others is closed like any other, within one turn."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, cast

import asyncpg
import pytest
from google.protobuf.message import Message

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi.reports.v1.events_pb2 import ReportResolved
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.conversation import Officer
from machi_reports.use_cases.at_desk import DeskCase
from machi_reports.use_cases.mark_duplicate import mark_duplicate
from machi_reports.use_cases.resolve_report import resolve_report
from machi_sdk.clock import ManualClock
from machi_sdk.testing import PodDatabase
from machi_sdk.transaction import transaction
from machi_sdk.work import Origin

if TYPE_CHECKING:
    from machi_sdk.database import Pooled

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

pytestmark = pytest.mark.integration
MANY, ENOUGH = 1000, 20
DESK, OFFICER = "roads-chuo", Officer("staff-道路係 担当1", "道路係 担当1")
Act = Callable[[ReportsWork], Awaitable[object]]
CardOf = Callable[..., Awaitable[DeskCard]]
FileCase = Callable[..., Awaitable[str]]
# Copies of the one duplicate there is.
MORE = """
INSERT INTO reports SELECT (jsonb_populate_record(r, jsonb_build_object(
    'report_id', r.report_id || '-' || n, 'case_number', r.case_number || '-' || n))).*
FROM reports r, generate_series(2, $1::int) AS n WHERE r.leading_id <> ''
"""


@pytest.fixture
async def leading(
    file_case: FileCase,
    card_of: CardOf,
    staff_turn: Callable[..., Awaitable[wire.TurnResponse]],
    connection: "Connection",
) -> DeskCard:
    """The card of a case that leads MANY others."""
    number, other = await file_case("hana"), await file_case("jiro")
    card = await card_of(other)
    press = wire.CardPress(card_id=card.card_id, desk_id=DESK, action_id="duplicate", values={"number": number})
    await staff_turn(press)
    await connection.execute("DELETE FROM outbox")
    await connection.execute(MORE, MANY)
    return await card_of(number)


@pytest.fixture
def statements(database: PodDatabase, clock: ManualClock) -> Callable[[Act], Awaitable[list[str]]]:
    """What is sent to the database while one work does something, its beginning and its commit included."""

    async def sent(act: Act) -> list[str]:
        noted: list[str] = []
        own = await asyncpg.connect(database.url)
        try:
            own.add_query_logger(lambda query: noted.append(query.query))
            async with transaction(cast("Pooled", own), "fukuoka") as db:
                work = ReportsWork(db, "fukuoka", Origin("reports", clock))
                await act(work)
                db.last_words = work.sealed()
        finally:
            await own.close()
        return noted

    return sent


async def test_a_thousand_duplicates_end_with_their_leading_case(
    *,
    leading: DeskCard,
    statements: Callable[[Act], Awaitable[list[str]]],
    connection: "Connection",
    clock: ManualClock,
    outbox: Callable[[], Awaitable[list[Message]]],
) -> None:
    case = DeskCase(leading.card_id, DESK, OFFICER, clock.now())
    assert 0 < len(await statements(lambda work: resolve_report(case, "直しました", work))) < ENOUGH
    assert await connection.fetchval("SELECT count(*) FROM reports WHERE state = 'resolved'") == MANY + 1
    for kept in ("steps WHERE move IN ('resolve', 'follow')", "updates WHERE text = '直しました'"):
        assert await connection.fetchval(f"SELECT count(DISTINCT report_id) FROM {kept}") == MANY + 1
    events = await outbox()
    for kind in (ReportResolved, CardAnnounced):
        assert sum(isinstance(event, kind) for event in events) == MANY + 1


async def test_a_thousand_duplicates_go_with_their_leading_case_to_another(
    *,
    leading: DeskCard,
    file_case: FileCase,
    statements: Callable[[Act], Awaitable[list[str]]],
    connection: "Connection",
    clock: ManualClock,
) -> None:
    number = await file_case("saburo")
    case = DeskCase(leading.card_id, DESK, OFFICER, clock.now())
    assert 0 < len(await statements(lambda work: mark_duplicate(case, number, work))) < ENOUGH
    led_by = "SELECT count(*) FROM reports r JOIN reports l ON l.report_id = r.leading_id WHERE l.case_number = $1"
    assert await connection.fetchval(led_by, number) == MANY + 1
