"""Outbox → Kafka → inbox and effect without batches: a transaction, a send, and a commit for each event.

`python -m benchmarks.baselines.plain write|read <count> <topic>`; DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS. It uses the
tables of `hand_batched`.
"""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.baselines.hand_batched import headers_of
from benchmarks.tally import PEOPLE, TENANT
from machi.consent.v1.events_pb2 import ConsentDecided

_WRITE = "INSERT INTO hand_outbox (event_id, key, trace, at, payload) VALUES ($1, $2, $3, $4, $5)"
_READ = "SELECT id, event_id, key, trace, at, payload FROM hand_outbox ORDER BY id LIMIT 1"
_INBOX = "INSERT INTO inbox (consumer, event_id) VALUES ('plain', $1) ON CONFLICT DO NOTHING RETURNING event_id"


async def write(count: int, topic: str) -> None:
    """Write `count` events one by one and carry each to Kafka."""
    database = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=2)
    relaying = asyncio.create_task(_relay(database, count, topic))
    for number in range(count):
        key = f"citizen-{number % PEOPLE}"
        payload = ConsentDecided(citizen_id=key, purpose=str(number)).SerializeToString()
        at, trace = datetime.now(UTC).isoformat(), f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
        await database.execute(_WRITE, uuid.uuid4().hex, key, trace, at, payload)
    await relaying


async def _relay(database: "asyncpg.Pool[asyncpg.Record]", count: int, topic: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], acks="all", enable_idempotence=True
    )
    await producer.start()
    left = count
    while left:
        row = await database.fetchrow(_READ)
        if row is None:
            await asyncio.sleep(0.001)
            continue
        await producer.send_and_wait(topic, row["payload"], key=row["key"].encode(), headers=headers_of(row))
        await database.execute("DELETE FROM hand_outbox WHERE id = $1", row["id"])
        left -= 1
    await producer.stop()


async def read(count: int, topic: str) -> None:
    """Take `count` events in, one by one."""
    database = await asyncpg.connect(os.environ["DATABASE_URL"], server_settings={"machi.tenant": TENANT})
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=f"plain-{topic}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    for _ in range(count):
        record = await consumer.getone()
        number = int(ConsentDecided.FromString(record.value).purpose)
        async with database.transaction():
            if await database.fetchval(_INBOX, dict(record.headers)["ce_id"].decode()):
                await database.execute("INSERT INTO effects (tenant, number) VALUES ($1, $2)", TENANT, number)
        await consumer.commit()
    await consumer.stop()


def main() -> None:
    """One half of the program."""
    half, count, topic = sys.argv[1:]
    uvloop.run({"write": write, "read": read}[half](int(count), topic))


if __name__ == "__main__":
    main()
