"""Desks are reminded of what has waited too long, once per case and target, on days city hall works."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from google.protobuf.message import Message
from prometheus_client import REGISTRY

from machi.desk.v1.events_pb2 import DeskSummedUp
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_SYSTEM, DeskCard
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.domain.reminding import Hours, Reminding
from machi_reports.entrypoints.reminders import Reminders
from machi_sdk.clock import ManualClock
from machi_sdk.service import Pod

JAPAN, TENANT = "Asia/Tokyo", "fukuoka"
TUESDAY_NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CITY = Reminding(closed_days=frozenset({date(2026, 11, 23)}), summary_at=time(9, 0))


@pytest.mark.parametrize(
    ("hours", "begins"),
    [
        (4, datetime(2026, 11, 23, 23, 0, tzinfo=UTC)),
        (12, datetime(2026, 11, 23, 15, 0, tzinfo=UTC)),
        # Behind the holiday and the weekend lies Friday.
        (24, datetime(2026, 11, 20, 3, 0, tzinfo=UTC)),
        (120, datetime(2026, 11, 16, 3, 0, tzinfo=UTC)),
    ],
)
def test_only_working_days_count(hours: int, begins: datetime) -> None:
    assert CITY.before(TUESDAY_NOON, hours, JAPAN) == begins


def test_a_city_that_works_every_day_counts_them_all() -> None:
    always = Reminding(working_days=frozenset(range(1, 8)), normal=Hours(1, 2))
    assert always.before(TUESDAY_NOON, 48, "Europe/Paris") == TUESDAY_NOON - 2 * DAY


def test_a_day_is_summed_up_on_working_mornings_only() -> None:
    assert CITY.summary_day(datetime(2026, 11, 24, 0, 0, tzinfo=UTC), JAPAN) == date(2026, 11, 24)
    assert CITY.summary_day(datetime(2026, 11, 23, 23, 59, tzinfo=UTC), JAPAN) is None, "too early"
    assert CITY.summary_day(datetime(2026, 11, 23, 3, 0, tzinfo=UTC), JAPAN) is None, "a holiday"
    assert CITY.summary_day(datetime(2026, 11, 22, 3, 0, tzinfo=UTC), JAPAN) is None, "a Sunday"


@pytest.fixture
def reminders(pod: Pod, clock: ManualClock) -> Reminders:
    works = pod.works(ReportsWork, CONSTRAINTS)
    return Reminders([TENANT], works, MemoryCatalogues(works), clock)


def told_of() -> float:
    """How many cases desks were reminded of to acknowledge, by the metric."""
    return REGISTRY.get_sample_value("machi_reports_reminders_total", {"what": "acknowledge"}) or 0.0


def reminded(card: DeskCard) -> list[str]:
    return [entry.text for entry in card.thread if entry.author == THREAD_AUTHOR_SYSTEM]


async def summaries(outbox: Callable[[], Awaitable[list[Message]]]) -> list[DeskSummedUp]:
    return [event for event in await outbox() if isinstance(event, DeskSummedUp)]


@pytest.mark.integration
async def test_a_case_nobody_acknowledged_is_called_to_mind_once(
    file_case: Callable[..., Awaitable[str]],
    card_of: Callable[..., Awaitable[DeskCard]],
    reminders: Reminders,
    clock: ManualClock,
    outbox: Callable[[], Awaitable[list[Message]]],
) -> None:
    number = await file_case("hana")
    await reminders.round(TENANT)
    assert await summaries(outbox) == []
    clock.advance(DAY)
    before = told_of()
    await asyncio.gather(*(reminders.round(TENANT) for _ in range(3)))  # as on three replicas
    assert told_of() - before == 1
    card = await card_of(number)
    assert reminded(card) == ["⏰ この件はまだ確認されていません。確認をお願いします。"]
    assert card.version == 2
    (summary,) = await summaries(outbox)
    assert (summary.desk_id, list(summary.card_ids), summary.day) == ("roads-chuo", [card.card_id], "2026-11-25")
    await reminders.round(TENANT)
    assert len(reminded(await card_of(number))) == 1
    assert len(await summaries(outbox)) == 1
    clock.advance(DAY)
    await reminders.round(TENANT)
    assert [each.day for each in await summaries(outbox)] == ["2026-11-25", "2026-11-26"]


@pytest.mark.integration
async def test_who_is_at_it_is_reminded_to_close_it_and_who_closed_it_no_more(
    *,
    file_case: Callable[..., Awaitable[str]],
    card_of: Callable[..., Awaitable[DeskCard]],
    staff_turn: Callable[..., Awaitable[wire.TurnResponse]],
    reminders: Reminders,
    clock: ManualClock,
    outbox: Callable[[], Awaitable[list[Message]]],
) -> None:
    cards = [await card_of(await file_case(name)) for name in ("hana", "taro")]
    for card in cards:
        await staff_turn(wire.CardPress(card_id=card.card_id, desk_id="roads-chuo", action_id="acknowledge"))
    clock.advance(4 * DAY)
    await reminders.round(TENANT)
    assert await summaries(outbox) == []
    done = wire.CardPress(card_id=cards[0].card_id, desk_id="roads-chuo", action_id="resolve", values={"words": "済"})
    await staff_turn(done)
    clock.advance(3 * DAY)  # Tuesday again: five working days
    await reminders.round(TENANT)
    assert reminded(await card_of(cards[0].number)) == []
    assert len(reminded(await card_of(cards[1].number))) == 1
    assert [list(each.card_ids) for each in await summaries(outbox)] == [[cards[1].card_id]]


@pytest.mark.integration
async def test_a_long_list_names_the_oldest_twenty(
    file_case: Callable[..., Awaitable[str]],
    card_of: Callable[..., Awaitable[DeskCard]],
    reminders: Reminders,
    clock: ManualClock,
    outbox: Callable[[], Awaitable[list[Message]]],
) -> None:
    first = await card_of(await file_case("citizen-0"))
    for number in range(1, 23):
        clock.advance(timedelta(seconds=1))
        await file_case(f"citizen-{number}")
    clock.advance(DAY)
    await reminders.round(TENANT)
    (summary,) = await summaries(outbox)
    assert (summary.card_ids[0], len(summary.card_ids), summary.more) == (first.card_id, 20, 3)
