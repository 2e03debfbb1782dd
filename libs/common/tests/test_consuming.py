"""Effectively-once consuming: one effect per event, whatever is delivered how often, and no record in the way."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from machi.channel.v1.events_pb2 import InboundEvent, TextSent
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.handling import Handler, Prepare, Subscription, prepared
from machi_sdk.inbound import Entrance
from machi_sdk.parking import ParkedRecord, drop_parked, list_parked, request_replay, show_parked
from machi_sdk.producer import Producer, partition_of
from machi_sdk.settings import Settings
from machi_sdk.telemetry import current_trace_id, span
from machi_sdk.testing import Event, KafkaAddress, PodDatabase, empty_topics, new_topic, publish, wait_until
from machi_sdk.work import Origin, Work, Works
from machi_tools.embedded.kafka import KafkaServer

pytestmark = pytest.mark.integration
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"


@dataclass
class Subject:
    """A topic, a group, and the pod that reads."""

    topic: str
    bootstrap: str
    url: str
    works: Works[Work]
    group: str = field(default_factory=lambda: f"toy.{secrets.token_hex(4)}")

    def consumer(
        self, handler: Handler[Work] | None = None, prepare: Prepare[Work] | None = None, batch: int = 1
    ) -> Consumer[Work]:
        settings = Settings(kafka_bootstrap_servers=self.bootstrap, machi_tenants="fukuoka,sapporo")
        subscription = Subscription(self.topic, self.group, self.works, handler, prepare, batch)
        return Consumer(subscription, settings, Faultpoints(""))

    async def write(self, *events: Event) -> list[str]:
        return await publish(self.bootstrap, self.topic, events)

    async def notes(self, tenant: str = "fukuoka") -> list[str]:
        async with self.works.begin(tenant) as work:
            return [row[0] for row in await work.db.fetch("SELECT author FROM notes ORDER BY note")]

    async def parked(self) -> list[ParkedRecord]:
        connection = await asyncpg.connect(self.url)
        try:
            return await list_parked(connection)
        finally:
            await connection.close()

    async def committed(self) -> int:
        """How far the group's offset moved in the only partition."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False)
        await reader.start()
        try:
            return await reader.committed(TopicPartition(self.topic, 0)) or 0
        finally:
            await reader.stop()


@pytest.fixture
async def subject(kafka_server: KafkaAddress, pod_database: PodDatabase, database: Database) -> Subject:
    topic = await new_topic(kafka_server.bootstrap)
    works = Works(database, Work, Origin("toy", SystemClock()))
    return Subject(topic, kafka_server.bootstrap, pod_database.url, works)


@asynccontextmanager
async def running(consumer: Consumer[Work]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(consumer.run()), asyncio.create_task(consumer.upkeep())]
    yield
    consumer.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


def decided(citizen: str, purpose: str = "", tenant: str = "fukuoka", event_id: str = "") -> Event:
    return Event("key", ConsentDecided(citizen_id=citizen, purpose=purpose), tenant, event_id)


def by_key(citizens: Sequence[str]) -> list[Event]:
    return [Event(citizen, ConsentDecided(citizen_id=citizen), event_id=citizen) for citizen in citizens]


async def note(records: Sequence[Received], work: Work) -> None:
    for record in records:
        assert isinstance(record.event, ConsentDecided)
        if record.event.purpose == "poison":
            raise ValueError("the words of a person")
        if record.event.purpose == "refused":
            raise Conflict("refused-by-the-domain")
        await work.db.execute(NOTE, work.tenant, record.event_id, record.event.citizen_id)


def read(subject: Subject, expected: list[str], tenant: str = "fukuoka") -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return await subject.notes(tenant) == expected

    return there


async def test_a_duplicate_has_one_effect(subject: Subject) -> None:
    ones = [decided(f"citizen-{number}", event_id=f"event-{number}") for number in range(4)]
    await subject.write(*ones, ones[1], ones[0], ones[0])
    await subject.write(decided("last", event_id="event-9"))
    async with running(subject.consumer(note)):
        await wait_until(read(subject, ["citizen-0", "citizen-1", "citizen-2", "citizen-3", "last"]))
    assert await subject.committed() == 8


async def test_poison_is_parked_and_the_partition_moves_on(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_sdk.consuming._LONGEST_PAUSE", 0.02)
    await subject.write(
        decided("first", event_id="e1"),
        decided("x", "poison", event_id="e2"),
        decided("y", "refused", event_id="e3"),
        decided("last", event_id="e4"),
    )
    async with running(subject.consumer(note)):
        await wait_until(read(subject, ["first", "last"]))
        parked = await wait_until(subject.parked)
    assert {(record.event_id, record.reason) for record in parked} == {
        ("e2", "gave-up-after-retries"),
        ("e3", "refused-by-the-domain"),
    }
    assert {record.type for record in parked} == {"machi.consent.v1.ConsentDecided"}
    assert await subject.committed() == 4


async def test_a_parked_record_is_replayed_once_when_asked(subject: Subject) -> None:
    well = asyncio.Event()

    async def mended_later(records: Sequence[Received], work: Work) -> None:
        if not well.is_set():
            raise Conflict("not-yet")
        await note(records, work)

    await subject.write(decided("patient"))
    consumers = [subject.consumer(mended_later) for _ in range(2)]
    async with running(consumers[0]), running(consumers[1]):
        [parked] = await wait_until(subject.parked)
        connection = await asyncpg.connect(subject.url)
        assert await request_replay(connection, parked.id)
        shown = "SELECT count(*) FROM parked WHERE replay_requested_at IS NULL"
        await wait_until(lambda: connection.fetchval(shown))
        assert [record.reason for record in await subject.parked()] == ["not-yet"]
        well.set()
        assert await request_replay(connection, parked.id)
        assert not await request_replay(connection, parked.id + 100)
        await wait_until(read(subject, ["patient"]))
        assert await show_parked(connection, parked.id) is None
        await connection.close()


async def test_a_dropped_record_is_gone_with_its_content(subject: Subject) -> None:
    async def never(_records: Sequence[Received], _work: Work) -> None:
        raise Conflict("never-welcome")

    await subject.write(decided("hopeless"))
    async with running(subject.consumer(never)):
        [parked] = await wait_until(subject.parked)
        connection = await asyncpg.connect(subject.url)
        assert await drop_parked(connection, parked.id)
        assert not await drop_parked(connection, parked.id)
        await connection.close()
    assert await subject.parked() == []


@pytest.mark.parametrize("end", ["handled", "deleted"])
async def test_no_event_comes_in_while_one_lies_unread_for_two_days(subject: Subject, end: str) -> None:
    healed = asyncio.Event()

    async def wait(_records: Sequence[Received], _work: Work) -> None:
        if not healed.is_set():
            raise Unavailable("still-away")

    consumer = subject.consumer(wait)
    producer = Producer(Settings(kafka_bootstrap_servers=subject.bootstrap), "toy", SystemClock())
    entrance = Entrance("line", subject.topic, producer, str.upper, consumer.unread_seconds)
    event = InboundEvent(event_id="e", address="u", text=TextSent(text="x"))
    await subject.write(Event("key", ConsentDecided(citizen_id="a"), age=timedelta(hours=49)))
    async with running(consumer):
        await wait_until(lambda: consumer.unread_seconds() > 48 * 3600)
        with pytest.raises(Unavailable, match="inbound-unread-too-long"):
            await entrance.store(event, "fukuoka")
        if end == "handled":
            healed.set()
        else:
            await empty_topics(subject.bootstrap, {subject.topic: (1, "delete")})
        await wait_until(lambda: consumer.unread_seconds() == 0.0)
        await entrance.store(event, "fukuoka")
    await producer.close()


async def test_the_age_of_the_oldest_record_grows_while_a_handler_hangs(subject: Subject) -> None:
    reached, release = asyncio.Event(), asyncio.Event()

    async def hang(_records: Sequence[Received], _work: Work) -> None:
        reached.set()
        await release.wait()

    await subject.write(Event("key", ConsentDecided(citizen_id="a"), age=timedelta(hours=25)))
    consumer = subject.consumer(hang)
    async with running(consumer):
        await reached.wait()
        found = REGISTRY.get_sample_value("machi_consumer_unread_seconds", {"consumer": consumer.group})
        assert (found or 0) > 24 * 3600
        release.set()


async def test_what_is_unavailable_is_tried_again_in_order_and_never_parked(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.consuming._LONGEST_PAUSE", 0.02)
    tries: list[str] = []

    async def ask(record: Received) -> str:
        tries.append(record.event_id)
        if len(tries) < 7:
            raise Unavailable("peer-down")
        return "answer"

    async def handle(record: Received, value: str, work: Work) -> None:
        await work.db.execute(NOTE, work.tenant, record.event_id, value)

    await subject.write(decided("a", event_id="e1"), decided("b", event_id="e2"))
    async with running(subject.consumer(prepare=prepared(ask, handle))):
        await wait_until(read(subject, ["answer", "answer"]))
    assert tries == ["e1"] * 7 + ["e2"]
    assert await subject.parked() == []


async def test_a_foreign_or_missing_tenant_is_parked_and_writes_nothing(subject: Subject) -> None:
    await subject.write(
        decided("ours", event_id="e1"),
        decided("theirs", tenant="kitakyushu", event_id="e2"),
        decided("nobody's", tenant="", event_id="e3"),
        decided("neighbour's", tenant="sapporo", event_id="e4"),
    )
    async with running(subject.consumer(note)):
        await wait_until(read(subject, ["neighbour's"], "sapporo"))
    assert await subject.notes() == ["ours"]
    assert await subject.notes("kitakyushu") == []
    assert [(record.event_id, record.reason) for record in await subject.parked()] == [
        ("e2", "foreign-tenant"),
        ("e3", "foreign-tenant"),
    ]


async def test_what_is_no_event_is_parked(subject: Subject) -> None:
    identity = [("ce_id", b"e1"), ("ce_tenant", b"fukuoka")]
    strange = [
        [],
        [*identity, ("ce_type", b"os.path.Nothing")],
        [*identity, ("ce_type", b"..")],
        [*identity, ("ce_type", b"machi.consent.v1.ConsentDecided")],
        [("\xff", b"\xff")],
    ]
    producer = AIOKafkaProducer(bootstrap_servers=subject.bootstrap)
    await producer.start()
    for number, headers in enumerate(strange):
        told = [(name, value + str(number).encode() if name == "ce_id" else value) for name, value in headers]
        await producer.send_and_wait(subject.topic, b"\xff\xff\xff", key=None, headers=told)
    await producer.stop()
    await subject.write(decided("after"))
    async with running(subject.consumer(note)):
        await wait_until(read(subject, ["after"]))
    assert [record.reason for record in await subject.parked()] == [
        "envelope-incomplete",
        "event-type-unknown",
        "event-type-unknown",
        "event-not-readable",
        "envelope-incomplete",
    ]


async def test_the_trace_goes_on_in_the_handler(subject: Subject) -> None:
    traces: list[str] = []

    async def look(records: Sequence[Received], work: Work) -> None:
        traces.append(current_trace_id())
        work.hop_of(records[0].trace_id, "seen", {})

    with span("a message"):
        expected = current_trace_id()
        await subject.write(decided("a"))
    async with running(subject.consumer(look)):
        await wait_until(lambda: traces)
    async with subject.works.begin("") as work:
        hops = [row[0] for row in await work.db.fetch("SELECT trace_id FROM hops")]
    assert traces == [expected] == hops


async def test_a_crash_in_the_middle_is_counted_and_only_its_record_is_parked(
    subject: Subject, program: Callable[[str], Path]
) -> None:
    await subject.write(
        decided("first", event_id="e1"), decided("x", "kill me", event_id="e2"), decided("last", event_id="e3")
    )
    command = [sys.executable, str(program("handling"))]
    ended = await asyncio.to_thread(
        subprocess.run, command, env=_environment(subject, ""), timeout=30, check=True, capture_output=True, text=True
    )
    assert ended.stderr.split() == ["killed"] * 5 + ["done"]
    assert await subject.notes() == ["first", "last"]
    assert [(record.event_id, record.reason) for record in await subject.parked()] == [("e2", "gave-up-after-retries")]


async def test_the_offset_moves_only_after_the_effect(subject: Subject, program: Callable[[str], Path]) -> None:
    await subject.write(decided("first", event_id="e1"))
    command = [sys.executable, str(program("consuming"))]
    environment = _environment(subject, "after_commit_before_ack")
    ended = await asyncio.to_thread(subprocess.run, command, env=environment, timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert await subject.notes() == ["first"]
    assert await subject.committed() == 0
    await subject.write(decided("second", event_id="e2"))
    async with running(subject.consumer(note)):
        await wait_until(read(subject, ["first", "second"]))


async def test_a_second_replica_takes_half_and_everything_when_the_first_leaves(subject: Subject) -> None:
    subject.topic = await new_topic(subject.bootstrap, partitions=4)
    first, second = subject.consumer(note), subject.consumer(note)
    everybody = [f"citizen-{number:02}" for number in range(40)]

    async with running(second):
        async with running(first):
            await subject.write(*by_key(everybody[:20]))
            await wait_until(read(subject, everybody[:20]))
        await subject.write(*by_key(everybody[20:]))
        await wait_until(read(subject, everybody))
    assert await subject.parked() == []


async def test_what_comes_of_several_partitions_shares_a_transaction(subject: Subject) -> None:
    partitions = tuple(range(4))
    subject.topic = await new_topic(subject.bootstrap, partitions=len(partitions))
    together, everybody, written = list[set[int]](), list[str](), asyncio.Event()

    async def slowly(records: Sequence[Received], work: Work) -> None:
        await note(records, work)
        together.append({partition_of(record.key, partitions) for record in records})
        await written.wait()  # by then all partitions have something

    async def more() -> bool:
        everybody.extend(citizens := [f"citizen-{len(everybody) + number:03}" for number in range(20)])
        await subject.write(*by_key(citizens))
        written.set()
        written.clear()
        return any(len(met) > 1 for met in together)

    async with running(subject.consumer(slowly, batch=50)):
        await wait_until(more)
        written.set()
        await wait_until(read(subject, everybody))
    assert await subject.parked() == []


@pytest.mark.faults
async def test_a_broker_restart_is_waited_for(subject: Subject, kafka_server: KafkaAddress) -> None:
    if not isinstance(kafka_server, KafkaServer):
        pytest.skip("the broker is somebody else's")
    consumer = subject.consumer(note)
    async with running(consumer):
        await subject.write(decided("before", event_id="e1"))
        await wait_until(read(subject, ["before"]))
        await asyncio.to_thread(kafka_server.kill)
        await asyncio.to_thread(kafka_server.start)
        await subject.write(decided("after", event_id="e2"))
        await wait_until(read(subject, ["before", "after"]))
        assert consumer.trouble() is None


def _environment(subject: Subject, crash_at: str) -> dict[str, str]:
    places = {"TOPIC": subject.topic, "GROUP": subject.group, "DATABASE_URL": subject.url}
    return {**os.environ, **places, "KAFKA_BOOTSTRAP_SERVERS": subject.bootstrap, "CRASH_AT": crash_at}
