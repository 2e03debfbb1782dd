"""The promises that planted bugs break, at their core: what is acknowledged is done, or parked, and in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from machi.desk.v1.events_pb2 import CardAnnounced
from machi_sdk.clock import SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.envelope import Received, wire_headers
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.handling import Handler, Handling, Subscription, Verdict
from machi_sdk.parking import RawRecord
from machi_sdk.settings import Settings
from machi_sdk.testing import (
    Event,
    KafkaAddress,
    PodDatabase,
    PostgresAddress,
    database_for,
    new_topic,
    publish,
    wait_until,
)
from machi_sdk.work import Origin, Work, Works
from tests.architecture.house import ROOT

pytestmark = pytest.mark.integration
TOPIC = "machi.desk.cards.v1"
GROUP = "notifications.test"
HEADERS = {"ce_id": "e-1", "ce_type": "machi.desk.v1.CardAnnounced", "ce_tenant": "fukuoka"}


@pytest.fixture
async def rows(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, ROOT / "services" / "notifications") as database:
        yield database


@pytest.fixture
async def works(rows: PodDatabase) -> AsyncIterator[Works[Work]]:
    database = Database(rows.url)
    yield Works(database, Work, Origin("notifications", SystemClock()))
    await database.close()


async def count(rows: PodDatabase, query: str) -> int:
    connection = await asyncpg.connect(rows.admin_url)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


def handling(works: Works[Work], handler: Handler[Work]) -> Handling[Work]:
    return Handling(Subscription(TOPIC, GROUP, works, handler), frozenset({"fukuoka"}))


def record(headers: dict[str, str], offset: int = 0) -> RawRecord:
    return RawRecord(TOPIC, 0, offset, b"card", wire_headers(headers), CardAnnounced(card_id="c").SerializeToString())


async def test_a_refused_record_is_parked_before_it_is_acknowledged(works: Works[Work], rows: PodDatabase) -> None:
    async def refuse(_records: Sequence[Received], _work: Work) -> None:
        raise Conflict("never-welcome")

    assert await handling(works, refuse).process([record(HEADERS)]) is Verdict.ACK
    assert await count(rows, "SELECT count(*) FROM parked WHERE reason = 'never-welcome'") == 1
    assert await count(rows, "SELECT count(*) FROM inbox WHERE event_id = 'e-1'") == 1


async def test_a_record_of_a_foreign_tenant_reaches_no_handler(works: Works[Work], rows: PodDatabase) -> None:
    seen: list[Received] = []

    async def note(records: Sequence[Received], _work: Work) -> None:
        seen.extend(records)

    assert await handling(works, note).process([record({**HEADERS, "ce_tenant": "elsewhere"})]) is Verdict.ACK
    assert seen == []
    assert await count(rows, "SELECT count(*) FROM parked WHERE reason = 'foreign-tenant'") == 1


async def test_a_repeated_record_has_one_effect(works: Works[Work]) -> None:
    seen: list[str] = []

    async def note(records: Sequence[Received], _work: Work) -> None:
        seen.extend(each.event_id for each in records)

    for offset in range(3):
        assert await handling(works, note).process([record(HEADERS, offset)]) is Verdict.ACK
    assert seen == ["e-1"]


async def test_an_event_waits_for_an_earlier_one_of_its_key(works: Works[Work], rows: PodDatabase) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    finished = asyncio.Event()

    async def later() -> None:
        async with works.begin("fukuoka") as work:
            work.emit(TOPIC, "card", CardAnnounced(card_id="later"))
        finished.set()

    async def decided() -> bool:
        return finished.is_set() or await count(rows, waiting) == 1

    async with works.begin("fukuoka") as work:
        work.emit(TOPIC, "card", CardAnnounced(card_id="earlier"))
        await work.db.execute(work.sealed())
        task = asyncio.create_task(later())
        await wait_until(decided)
        assert not finished.is_set(), "it overtook an event that is numbered before it and not committed yet"
    await task


async def test_what_has_no_effect_yet_is_read_again_after_a_crash(
    works: Works[Work], kafka_server: KafkaAddress
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    settings = Settings(kafka_bootstrap_servers=kafka_server.bootstrap)
    group = f"notifications.{topic}"
    tried, done = asyncio.Event(), asyncio.Event()

    async def away(_records: Sequence[Received], _work: Work) -> None:
        tried.set()
        raise Unavailable("away")

    async def back(_records: Sequence[Received], _work: Work) -> None:
        done.set()

    await publish(kafka_server.bootstrap, topic, [Event("card", CardAnnounced(card_id="c"))])
    for handler, reached in ((away, tried), (back, done)):
        consumer = Consumer(Subscription(topic, group, works, handler), settings, Faultpoints(""))
        task = asyncio.create_task(consumer.run())
        await asyncio.wait_for(reached.wait(), 30)
        consumer.stop()
        await task
