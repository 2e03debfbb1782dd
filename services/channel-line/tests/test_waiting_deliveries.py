"""Many wait: each has their turn, in order, and a look costs as much as it finds."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.deliveries import DeliveryRows
from machi_sdk.deliveries.rows import _CLAIM, NOT_FOCUSED, Open
from machi_sdk.deliveries.standing import End
from machi_sdk.envelope import Received
from machi_sdk.testing import PodDatabase, rows_read
from machi_sdk.work import Origin, Work, Works

pytestmark = pytest.mark.integration
TENANT = "fukuoka"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def works(database: PodDatabase, clock: ManualClock) -> AsyncIterator[Works[Work]]:
    pool = Database(database.url)
    yield Works(pool, Work, Origin("channel-line", clock))
    await pool.close()


@pytest.fixture
def rows(works: Works[Work], clock: ManualClock) -> DeliveryRows:
    return DeliveryRows(works, clock, "line")


def asked(citizen_id: str, number: int, focus_pod: str = "") -> Received:
    name = f"{citizen_id}/{number}"
    request = DeliveryRequested(
        delivery_id=name, citizen_id=citizen_id, channel="line", thread=f"case {name}", focus_pod=focus_pod
    )
    request.send_before.FromDatetime(NOW + timedelta(hours=1))
    return Received(request, request.delivery_id, "x", TENANT, citizen_id, NOW, "topic", {})


async def wait(works: Works[Work], rows: DeliveryRows, people: int, each: int = 1) -> None:
    async with works.begin(TENANT) as work:
        await rows.accept([asked(f"c{person:04}", n) for n in range(each) for person in range(people)], work)


def ids(found: list[Open]) -> list[str]:
    return sorted(each.request.delivery_id for each in found)


async def test_each_request_of_a_batch_is_seen_on_its_own_trace(works: Works[Work], rows: DeliveryRows) -> None:
    carried = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2)]
    records = [asked(f"c{n}", 1)._replace(trace={"traceparent": trace}) for n, trace in enumerate(carried)]
    async with works.begin(TENANT) as work:
        await rows.accept(records, work)
    async with works.begin(TENANT) as work:
        left = await work.db.fetch("SELECT trace_id FROM hops WHERE name = 'delivery-stored' ORDER BY trace_id")
    assert [row["trace_id"] for row in left] == [f"{number:032x}" for number in (1, 2)]


async def test_people_have_their_turns_and_each_person_in_order(works: Works[Work], rows: DeliveryRows) -> None:
    await wait(works, rows, people=5, each=2)
    first, second = await rows.claim(TENANT, 3), await rows.claim(TENANT, 3)
    assert ids(first) == ["c0000/0", "c0001/0", "c0002/0"]
    assert ids(second) == ["c0003/0", "c0004/0"], "of each person the first alone, until it has ended"
    assert await rows.claim(TENANT, 3) == []
    for each in (*first, *second):
        await rows.conclude(each, End.ACCEPTED, "")
    assert ids(await rows.claim(TENANT, 2)) == ["c0000/1", "c0001/1"]
    assert ids(await rows.claim(TENANT, 9)) == ["c0002/1", "c0003/1", "c0004/1"]


async def test_a_replica_whose_clock_is_ahead_takes_nothing_that_another_has_begun(
    works: Works[Work], rows: DeliveryRows
) -> None:
    await wait(works, rows, people=2)
    assert ids(await rows.claim(TENANT, 1)) == ["c0000/0"]
    hasty = DeliveryRows(works, ManualClock(datetime.now(UTC) + timedelta(hours=1)), "line")
    assert ids(await hasty.claim(TENANT, 9)) == ["c0001/0"]


async def test_a_question_is_arriving_from_its_first_request_until_its_end(
    works: Works[Work], rows: DeliveryRows, clock: ManualClock
) -> None:
    async with works.begin(TENANT) as work:
        await rows.accept([asked("asked", 1, "reports"), asked("told", 1)], work)
    question, news = await rows.claim(TENANT, 9)
    assert not await rows.asking(TENANT, "asked")
    for each in (question, news):
        await rows.posting(each, clock.now())
    assert [await rows.asking(TENANT, each) for each in ("asked", "told")] == [True, False]
    clock.advance(timedelta(seconds=31))
    assert not await rows.asking(TENANT, "asked"), "after a while words are what they are"
    await rows.put_off(question, timedelta(seconds=1), NOT_FOCUSED)
    assert await rows.asking(TENANT, "asked"), "it is there, and identity could not be told for longer"
    await rows.conclude(question, End.ACCEPTED, "")
    assert not await rows.asking(TENANT, "asked")


async def test_who_has_many_waits_for_the_others(works: Works[Work], rows: DeliveryRows) -> None:
    await wait(works, rows, people=5, each=3)
    found = []
    for _ in range(5):
        claimed = await rows.claim(TENANT, 2)
        found.append(ids(claimed))
        for each in claimed:
            await rows.conclude(each, End.ACCEPTED, "")
    assert found == [
        ["c0000/0", "c0001/0"],
        ["c0002/0", "c0003/0"],
        ["c0000/1", "c0004/0"],
        ["c0001/1", "c0002/1"],
        ["c0003/1", "c0004/1"],
    ]


async def test_who_came_meanwhile_is_found_behind_the_last_one_too(works: Works[Work], rows: DeliveryRows) -> None:
    await wait(works, rows, people=4)
    assert ids(await rows.claim(TENANT, 3)) == ["c0000/0", "c0001/0", "c0002/0"]
    async with works.begin(TENANT) as work:
        await rows.accept([asked("a", 0)], work)
    assert ids(await rows.claim(TENANT, 3)) == ["a/0", "c0003/0"]


async def test_what_is_put_off_holds_back_its_own_person_and_nobody_else(
    works: Works[Work], rows: DeliveryRows
) -> None:
    await wait(works, rows, people=3, each=2)
    [first, *_] = await rows.claim(TENANT, 1)
    await rows.put_off(first, timedelta(minutes=1), "line-503")
    assert ids(await rows.claim(TENANT, 9)) == ["c0001/0", "c0002/0"]
    async with works.begin(TENANT) as work:
        await work.db.execute("UPDATE deliveries SET due_at = due_at - interval '2 minutes'")
    assert ids(await rows.claim(TENANT, 9)) == ["c0000/0", "c0001/0", "c0002/0"], "leases have run out, too"


@pytest.mark.parametrize(("people", "each"), [(9_000, 1), (9, 1_000)], ids=["many-people", "many-of-few"])
async def test_a_look_costs_what_it_finds(
    works: Works[Work], rows: DeliveryRows, database: PodDatabase, people: int, each: int
) -> None:
    await wait(works, rows, people, each)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ANALYZE deliveries")
    await owner.close()
    async with works.begin(TENANT) as work:
        found = await work.db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {_CLAIM}", TENANT, 32, "")
    assert 0 < sum(rows_read(found, "deliveries")) < 200
