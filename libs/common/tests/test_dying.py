"""A process that dies of one record: what lay in other partitions of the same poll is not parked with it."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.handling import PARK_AFTER, Subscription
from machi_sdk.ids import new_id
from machi_sdk.parking import list_parked
from machi_sdk.producer import partition_of
from machi_sdk.settings import Settings
from machi_sdk.testing import Event, KafkaAddress, new_topic, publish
from machi_sdk.work import Origin, Work, Works

pytestmark = pytest.mark.integration
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, '')"
PARTITIONS = (0, 1, 2)


class Life:
    """The process between two starts; `poison` ends it while others are being handled, who need a moment longer."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.all_begun = asyncio.Event()
        self.begun = 0

    async def handle(self, records: Sequence[Received], work: Work) -> None:
        self.begun += 1
        if self.begun == len(PARTITIONS):
            self.all_begun.set()
        if records[0].event_id == "poison":
            await _happens(self.all_begun, 0.2)
            self.over.set()
        if await _happens(self.over, 0.5):
            await asyncio.Event().wait()
        await work.db.execute(NOTE, work.tenant, records[0].event_id)

    async def survives(self, consumer: Consumer[Work], kafka: AIOKafkaConsumer, records: int) -> bool:
        """Whether all records come to an end, in one poll or several."""
        for where in kafka.assignment():
            await kafka.seek_to_beginning(where)
        polling = asyncio.create_task(_read(consumer, kafka, records))
        dying = asyncio.create_task(self.over.wait())
        await asyncio.wait({polling, dying}, return_when=asyncio.FIRST_COMPLETED)
        for task in (polling, dying):
            task.cancel()
        await asyncio.wait({polling, dying})
        return not polling.cancelled()


async def _happens(event: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            return await event.wait()
    except TimeoutError:
        return False


async def _read(consumer: Consumer[Work], kafka: AIOKafkaConsumer, records: int) -> None:
    while sum(consumer._next.values()) < records:
        await consumer._poll(kafka)


async def test_only_what_kills_the_process_is_parked(kafka_server: KafkaAddress, database: Database) -> None:
    topic = await new_topic(kafka_server.bootstrap, partitions=len(PARTITIONS))
    keys = [next(key for key in map(str, range(99)) if partition_of(key, PARTITIONS) == place) for place in PARTITIONS]
    names = ["innocent", "poison", "bystander"]
    events = [Event(key, ConsentDecided(), event_id=name) for key, name in zip(keys, names, strict=True)]
    await publish(kafka_server.bootstrap, topic, events)
    works = Works(database, Work, Origin("toy", SystemClock()))
    group = f"toy.{new_id()}"
    kafka = AIOKafkaConsumer(bootstrap_servers=kafka_server.bootstrap, group_id=group, enable_auto_commit=False)
    await kafka.start()
    kafka.assign([TopicPartition(topic, place) for place in PARTITIONS])
    lives = 1
    while True:
        life = Life()
        subscription = Subscription(topic, group, works, life.handle)
        consumer = Consumer(subscription, Settings(kafka_bootstrap_servers=kafka_server.bootstrap), Faultpoints(""))
        if await life.survives(consumer, kafka, len(events)):
            break
        lives += 1
        assert lives <= 2 * PARK_AFTER
    await kafka.stop()
    connection = await database.connect()
    parked = [(record.event_id, record.reason) for record in await list_parked(connection)]
    await connection.close()
    async with works.begin("fukuoka") as work:
        noted = {row["note"] for row in await work.db.fetch("SELECT note FROM notes")}
    assert parked == [("poison", "gave-up-after-retries")]
    assert noted == {"innocent", "bystander"}
    assert lives == PARK_AFTER
