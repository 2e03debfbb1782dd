"""The outbox's way to Kafka: in order within a key, never lost, twice at most after a crash."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

import asyncpg
import pytest
from prometheus_client import REGISTRY

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.database import Database
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.parking import list_parked, request_replay
from machi_sdk.producer import Parcel, Producer, Record, partition_of
from machi_sdk.relay import Relay
from machi_sdk.settings import Settings
from machi_sdk.testing import KafkaAddress, PodDatabase, new_topic, read_all, wait_until
from machi_sdk.work import Origin, Work, Works
from machi_tools.embedded.kafka import KafkaServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def producer(kafka_server: KafkaAddress) -> AsyncIterator[Producer]:
    producer = Producer(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), "toy", SystemClock())
    yield producer
    await producer.close()


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[Relay]:
    task = asyncio.create_task(relay.run())
    yield relay
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def decided(number: int, notice: str = "") -> ConsentDecided:
    return ConsentDecided(citizen_id=str(number), purpose=notice)


async def emit(works: Works[Work], topic: str, key: str, *numbers: int) -> None:
    async with works.begin("fukuoka") as work:
        for number in numbers:
            work.emit(topic, key, decided(number))


async def numbers(bootstrap: str, topic: str, key: str) -> list[int]:
    """What lies on the topic under a key, in order."""
    events = [record.event for record in await read_all(bootstrap, topic) if record.key == key]
    return [int(event.citizen_id) for event in events if isinstance(event, ConsentDecided)]


async def left(database: PodDatabase, table: str = "outbox") -> int:
    connection = await asyncpg.connect(database.url)
    try:
        count: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
        return count
    finally:
        await connection.close()


def emptied(database: PodDatabase) -> Callable[[], Awaitable[bool]]:
    async def empty() -> bool:
        return await left(database) == 0

    return empty


async def test_order_within_a_key_holds_though_an_early_transaction_commits_late(
    pod_database: PodDatabase, database: Database, producer: Producer, kafka_server: KafkaAddress
) -> None:
    topic = await new_topic(kafka_server.bootstrap, partitions=3)
    relay = Relay(database, producer, Faultpoints(""))
    works = Works(database, Work, Origin("toy", SystemClock(), relay.wake))
    async with running(relay):
        async with works.begin("fukuoka") as long_open:
            long_open.emit(topic, "slow", decided(0))
            await long_open.db.execute(long_open.sealed())  # its row has its number, its commit is to come
            later = asyncio.create_task(emit(works, topic, "slow", 1, 2))
            for number in range(10):
                await emit(works, topic, "quick", number)
            await wait_until(lambda: _is(numbers(kafka_server.bootstrap, topic, "quick"), list(range(10))))
            assert await numbers(kafka_server.bootstrap, topic, "slow") == []
            long_open._outgoing.clear()
        await later
        await wait_until(emptied(pod_database))
    assert await numbers(kafka_server.bootstrap, topic, "slow") == [0, 1, 2]


async def test_concurrent_transactions_of_one_key_arrive_in_the_order_of_their_commits(
    pod_database: PodDatabase, database: Database, producer: Producer, kafka_server: KafkaAddress
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    relay = Relay(database, producer, Faultpoints(""))
    works = Works(database, Work, Origin("toy", SystemClock(), relay.wake))
    asked: dict[int, float] = {}
    confirmed: dict[int, float] = {}

    async def one(number: int) -> None:
        async with works.begin("fukuoka") as work:
            await work.db.execute("SELECT pg_sleep($1)", (number * 7 % 5) / 50)
            work.emit(topic, "key", decided(number))
            work.then(lambda: confirmed.update({number: perf_counter()}))
            asked[number] = perf_counter()

    async with running(relay):
        await asyncio.gather(*(one(number) for number in range(12)))
        await wait_until(emptied(pod_database))
    arrived = await numbers(kafka_server.bootstrap, topic, "key")
    assert sorted(arrived) == list(range(12))
    pairs = [(one, other) for one in asked for other in asked if confirmed[one] < asked[other]]
    assert pairs, "no commit was confirmed before another was asked for"
    assert all(arrived.index(one) < arrived.index(other) for one, other in pairs)


async def test_a_missing_topic_and_an_oversized_event_stop_nobody_else(
    pod_database: PodDatabase, database: Database, producer: Producer, kafka_server: KafkaAddress, works: Works[Work]
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    async with works.begin("fukuoka") as work:
        for number in range(600):  # more than the relay reads at once, before everything else
            work.emit("test.no-such-topic", f"key-{number}", decided(number))
        work.emit(topic, "key", decided(1))
        work.emit(topic, "key", decided(2, notice="x" * 1_100_000))
        work.emit(topic, "key", decided(3))
    async with running(Relay(database, producer, Faultpoints(""))):
        await wait_until(lambda: _is(numbers(kafka_server.bootstrap, topic, "key"), [1, 3]))
        connection = await asyncpg.connect(pod_database.url)
        [parked] = await wait_until(lambda: list_parked(connection))
        await wait_until(lambda: REGISTRY.get_sample_value("machi_parked_total", {"consumer": "outbox"}) == 1)
        await wait_until(lambda: (REGISTRY.get_sample_value("machi_outbox_age_seconds") or 0) > 0)
    assert REGISTRY.get_sample_value("machi_outbox_age_seconds") == 0, "who lost the lease still tells an age"
    assert (parked.consumer, parked.topic, parked.reason) == ("outbox", topic, "record-too-large")
    assert await connection.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", topic) == 0
    await connection.close()


async def test_a_parked_event_goes_back_when_an_operator_asks(
    database: Database, producer: Producer, kafka_server: KafkaAddress, works: Works[Work]
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    await emit(works, topic, "key", 7)
    connection = await database.connect()
    identifier = await connection.fetchval(
        "WITH gone AS (DELETE FROM outbox RETURNING *)"
        ' INSERT INTO parked (consumer, topic, partition, "offset", event_id, key, headers, payload, reason)'
        " SELECT 'outbox', topic, -1, id, 'x', convert_to(key, 'UTF8'), headers, payload, 'y' FROM gone RETURNING id"
    )
    assert await request_replay(connection, identifier)
    async with running(Relay(database, producer, Faultpoints(""))):
        await wait_until(lambda: _is(numbers(kafka_server.bootstrap, topic, "key"), [7]))
    assert await list_parked(connection) == []
    await connection.close()


async def test_a_busy_relay_puts_parked_events_back_too(
    database: Database, producer: Producer, kafka_server: KafkaAddress
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    connection = await database.connect()
    relay = Relay(database, producer, Faultpoints(""))

    async def put_back() -> bool:
        return not await list_parked(connection)

    async def busily() -> None:
        while True:
            relay.wake()
            await asyncio.sleep(0.05)

    async with running(relay):
        hurrying = asyncio.create_task(busily())
        identifier = await connection.fetchval(
            'INSERT INTO parked (consumer, topic, partition, "offset", event_id, key, headers, payload, reason)'
            " VALUES ('outbox', $1, -1, 1, 'x', 'key', '{}', '', 'y') RETURNING id",
            topic,
        )
        assert await request_replay(connection, identifier)
        await wait_until(put_back)
        hurrying.cancel()
    await connection.close()


async def test_a_hung_partition_stops_that_partition_only(
    pod_database: PodDatabase, database: Database, kafka_server: KafkaAddress, works: Works[Work]
) -> None:
    topic = await new_topic(kafka_server.bootstrap, partitions=3)

    class Stuck(Producer):
        async def post(self, parcel: Parcel, timeout: float) -> None:  # noqa: ASYNC109 (as the producer has it)
            if parcel.partition == partition_of("hung", (0, 1, 2)):
                await asyncio.sleep(timeout)
                raise Unavailable("hung")
            await super().post(parcel, timeout)

    well = [key for key in map(str, range(20)) if partition_of(key, (0, 1, 2)) != partition_of("hung", (0, 1, 2))]
    await emit(works, topic, "hung", *range(5))
    stuck = Stuck(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), "toy", SystemClock())
    async with running(Relay(database, stuck, Faultpoints(""))):
        for key in well[:3]:
            await emit(works, topic, key, 1)
            await wait_until(partial(_is_there, kafka_server.bootstrap, topic, key), within=5)
        await wait_until(lambda: _is_left(pod_database, 5))
    await stuck.close()


@pytest.mark.parametrize("whole", [False, True], ids=["partition", "topic"])
async def test_many_that_wait_for_one_partition_keep_no_other_waiting(
    pod_database: PodDatabase, database: Database, kafka_server: KafkaAddress, works: Works[Work], whole: bool
) -> None:
    hung, topic = [await new_topic(kafka_server.bootstrap, partitions=2) for _ in range(2)]
    closed = asyncio.Event()

    class Refusing(Producer):
        async def partitions(self, topic: str, timeout: float) -> tuple[int, ...]:  # noqa: ASYNC109 (as the producer has it)
            if whole and topic == hung and not closed.is_set():
                raise Unavailable("hung")
            return await super().partitions(topic, timeout)

        async def post(self, parcel: Parcel, timeout: float) -> None:  # noqa: ASYNC109 (as the producer has it)
            if (parcel.topic, parcel.partition) == (hung, 0) and not closed.is_set():
                raise Unavailable("hung")
            await super().post(parcel, timeout)

    stuck = [key for key in map(str, range(7_000)) if partition_of(key, (0, 1)) == 0][:3_000]
    for start in range(0, len(stuck), 1_000):
        async with works.begin("fukuoka") as work:
            for key in stuck[start : start + 1_000]:
                work.emit(hung, key, decided(1))
    await emit(works, topic, "key", 1)
    producer = Refusing(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), "toy", SystemClock())
    async with running(Relay(database, producer, Faultpoints(""))):
        await wait_until(partial(_is_there, kafka_server.bootstrap, topic, "key"))
        await wait_until(lambda: _is_left(pod_database, len(stuck)))
        closed.set()
        await wait_until(emptied(pod_database))
    await producer.close()


async def test_what_fails_in_a_way_nobody_foresaw_is_tried_again(
    pod_database: PodDatabase, database: Database, kafka_server: KafkaAddress, works: Works[Work]
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    surprises: list[Exception] = [RuntimeError("first"), AssertionError("then")]

    class Surprising(Producer):
        async def partitions(self, topic: str, timeout: float) -> tuple[int, ...]:  # noqa: ASYNC109 (as the producer has it)
            if len(surprises) > 1:
                raise surprises.pop()
            return await super().partitions(topic, timeout)

        async def post(self, parcel: Parcel, timeout: float) -> None:  # noqa: ASYNC109 (as the producer has it)
            if surprises:
                raise surprises.pop()
            await super().post(parcel, timeout)

    surprising = Surprising(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), "toy", SystemClock())
    await emit(works, topic, "key", 1, 2)
    async with running(Relay(database, surprising, Faultpoints(""))):
        await wait_until(emptied(pod_database))
    assert await numbers(kafka_server.bootstrap, topic, "key") == [1, 2]
    assert surprises == []
    await surprising.close()


async def test_what_is_too_large_only_together_leaves_one_by_one(
    pod_database: PodDatabase, database: Database, kafka_server: KafkaAddress, works: Works[Work]
) -> None:
    topic = await new_topic(kafka_server.bootstrap)

    class Narrow(Producer):
        async def post(self, parcel: Parcel, timeout: float) -> None:  # noqa: ASYNC109 (as the producer has it)
            if parcel.batch.size() > 1_500:
                raise Invalid("record-too-large")
            await super().post(parcel, timeout)

    narrow = Narrow(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), "toy", SystemClock())
    await emit(works, topic, "a", *range(3))
    async with works.begin("fukuoka") as work:
        work.emit(topic, "b", decided(1, notice="x" * 2_000))
        work.emit(topic, "b", decided(2))
    async with running(Relay(database, narrow, Faultpoints(""))):
        await wait_until(emptied(pod_database))
    assert await numbers(kafka_server.bootstrap, topic, "a") == [0, 1, 2]
    assert await numbers(kafka_server.bootstrap, topic, "b") == [2]
    assert await left(pod_database, "parked") == 1
    await narrow.close()


async def test_two_relays_hold_one_lease_and_the_second_takes_over(
    pod_database: PodDatabase, database: Database, producer: Producer, kafka_server: KafkaAddress, works: Works[Work]
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    query = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = {here}"

    async def leases() -> int:
        connection = await database.connect()
        try:
            held: int = await connection.fetchval(query)
            return held
        finally:
            await connection.close()

    async with running(Relay(database, producer, Faultpoints(""))):
        await wait_until(leases)
        async with running(Relay(database, producer, Faultpoints(""))):
            await emit(works, topic, "key", *range(20))
            await wait_until(emptied(pod_database))
            assert await leases() == 1
    async with running(Relay(database, producer, Faultpoints(""))):
        await emit(works, topic, "key", 20)
        await wait_until(emptied(pod_database))
    assert await numbers(kafka_server.bootstrap, topic, "key") == list(range(21))


async def test_a_kill_between_publish_and_delete_doubles_and_never_loses(
    pod_database: PodDatabase, kafka_server: KafkaAddress, works: Works[Work], program: Callable[[str], Path]
) -> None:
    topic = await new_topic(kafka_server.bootstrap)
    await emit(works, topic, "key", *range(10))
    environment = {"DATABASE_URL": pod_database.url, "KAFKA_BOOTSTRAP_SERVERS": kafka_server.bootstrap}
    command = [sys.executable, str(program("relaying"))]
    crashing = {**os.environ, **environment, "CRASH_AT": "after_publish_before_delete"}
    ended = await asyncio.to_thread(subprocess.run, command, env=crashing, timeout=20, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert await left(pod_database) == 10
    surviving = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    try:
        await wait_until(emptied(pod_database))
    finally:
        surviving.kill()
        await surviving.wait()
    assert await numbers(kafka_server.bootstrap, topic, "key") == [*range(10), *range(10)]


@pytest.mark.faults
async def test_a_broker_restart_delays_and_loses_nothing(
    pod_database: PodDatabase, database: Database, producer: Producer, kafka_server: KafkaAddress
) -> None:
    if not isinstance(kafka_server, KafkaServer):
        pytest.skip("the broker is somebody else's")
    topic, elsewhere = [await new_topic(kafka_server.bootstrap) for _ in range(2)]
    relay = Relay(database, producer, Faultpoints(""))
    works = Works(database, Work, Origin("toy", SystemClock(), relay.wake))
    async with running(relay):
        await emit(works, topic, "key", 0)
        await wait_until(emptied(pod_database))
        await asyncio.to_thread(kafka_server.kill)
        await emit(works, topic, "key", 1, 2)
        with pytest.raises(Unavailable):
            await producer.put(Record(elsewhere, "key", {}, b""), timeout=0.3)
        assert await left(pod_database) == 2
        await asyncio.to_thread(kafka_server.start)
        await emit(works, topic, "key", 3)
        await wait_until(emptied(pod_database))
    arrived = await numbers(kafka_server.bootstrap, topic, "key")
    assert list(dict.fromkeys(arrived)) == [0, 1, 2, 3]


async def _is_left(database: PodDatabase, count: int) -> bool:
    return await left(database) == count


async def _is_there(bootstrap: str, topic: str, key: str) -> bool:
    return await numbers(bootstrap, topic, key) == [1]


async def _is(found: Awaitable[list[int]], expected: list[int]) -> bool:
    return await found == expected
