"""Handles a topic's first batch in one process after another until one survives, and prints how each ended.

TOPIC, GROUP, DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS. The words "kill me" end the process in the middle of handling.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.handling import Handling, Subscription, Verdict
from machi_sdk.parking import RawRecord
from machi_sdk.work import Origin, Work, Works

NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"


async def handle(records: Sequence[Received], work: Work) -> None:
    for record in records:
        assert isinstance(record.event, ConsentDecided)
        if record.event.purpose == "kill me":
            os.kill(os.getpid(), signal.SIGKILL)
        await work.db.execute(NOTE, work.tenant, record.event_id, record.event.citizen_id)


async def first_batch() -> list[RawRecord]:
    place = TopicPartition(os.environ["TOPIC"], 0)
    kafka = AIOKafkaConsumer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], enable_auto_commit=False)
    await kafka.start()
    kafka.assign([place])
    await kafka.seek_to_beginning(place)
    end = (await kafka.end_offsets([place]))[place]
    records = [await kafka.getone(place) for _ in range(end)]
    await kafka.stop()
    return [RawRecord(r.topic, 0, r.offset, r.key, r.headers, r.value) for r in records]


async def main() -> None:
    records = await first_batch()
    works = Works(Database(os.environ["DATABASE_URL"]), Work, Origin("toy", SystemClock()))
    subscription = Subscription(os.environ["TOPIC"], os.environ["GROUP"], works, handle, batch=10)
    assert await Handling(subscription, frozenset({"fukuoka"})).process(records) is Verdict.ACK


for _ in range(10):
    child = os.fork()
    if child == 0:
        asyncio.run(main())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.stderr.write("done\n" if os.WEXITSTATUS(status) == 0 else "failed\n")
        break
    sys.stderr.write("killed\n")
