"""Outbox → Kafka → inbox and effect as one would tune it by hand: 500 rows a statement, sends pipelined.

The records are those of the pod `tally`: CloudEvents in headers, the same protobuf as the body. So are the tables of
inbox and effect, with their row-level security; and the key is locked before its row of the outbox is numbered.

`python -m benchmarks.baselines.hand_batched write|read <count> <topic>`; DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS.
"""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.tally import BATCH, PEOPLE, TENANT
from machi.consent.v1.events_pb2 import ConsentDecided

TABLES = """
CREATE TABLE hand_outbox (
    id bigserial PRIMARY KEY, event_id text NOT NULL, key text NOT NULL, trace text NOT NULL, at text NOT NULL,
    payload bytea NOT NULL
);
"""
_LOCK = """
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(name, 1) AS key FROM unnest($1::text[]) AS name ORDER BY 1
) AS locks
"""
_WRITE = """
INSERT INTO hand_outbox (event_id, key, trace, at, payload)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
"""
_READ = "SELECT id, event_id, key, trace, at, payload FROM hand_outbox ORDER BY id LIMIT 500"
_SAME = [
    ("ce_specversion", b"1.0"),
    ("ce_source", b"/machi/tally"),
    ("ce_type", b"machi.consent.v1.ConsentDecided"),
    ("ce_tenant", b"fukuoka"),
    ("content-type", b"application/protobuf; type=machi.consent.v1.ConsentDecided"),
]
_SENT = "DELETE FROM hand_outbox WHERE id = ANY($1::bigint[])"
_EFFECT = """
WITH fresh AS (
    INSERT INTO inbox (consumer, event_id) SELECT 'hand', unnest($1::text[])
    ON CONFLICT DO NOTHING RETURNING event_id
)
INSERT INTO effects (tenant, number)
SELECT 'fukuoka', number FROM unnest($1::text[], $2::bigint[]) AS event (event_id, number) JOIN fresh USING (event_id)
"""


async def write(count: int, topic: str) -> None:
    """Write `count` events and carry them to Kafka."""
    database = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=2)
    relaying = asyncio.create_task(_relay(database, count, topic))
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        keys = [f"citizen-{number % PEOPLE}" for number in numbers]
        events = [
            ConsentDecided(citizen_id=key, purpose=str(number)) for key, number in zip(keys, numbers, strict=True)
        ]
        payloads = [event.SerializeToString() for event in events]
        at, trace = datetime.now(UTC).isoformat(), f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
        ids = [uuid.uuid4().hex for _ in numbers]
        async with database.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, keys)
            await connection.execute(_WRITE, ids, keys, [trace] * len(ids), [at] * len(ids), payloads)
    await relaying


async def _relay(database: "asyncpg.Pool[asyncpg.Record]", count: int, topic: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        acks="all",
        enable_idempotence=True,
        max_batch_size=262_144,
    )
    await producer.start()
    left = count
    while left:
        rows = await database.fetch(_READ)
        if not rows:
            await asyncio.sleep(0.001)
            continue
        sent = [
            await producer.send(topic, row["payload"], key=row["key"].encode(), headers=headers_of(row)) for row in rows
        ]
        await asyncio.gather(*sent)
        await database.execute(_SENT, [row["id"] for row in rows])
        left -= len(rows)
    await producer.stop()


def headers_of(row: "asyncpg.Record") -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 in Kafka's binary mode, with the trace."""
    own = [("ce_id", row["event_id"].encode()), ("ce_time", row["at"].encode()), ("traceparent", row["trace"].encode())]
    return [*_SAME, *own]


async def read(count: int, topic: str) -> None:
    """Take `count` events in, with one effect each."""
    database = await asyncpg.connect(os.environ["DATABASE_URL"], server_settings={"machi.tenant": TENANT})
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=f"hand-{topic}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    left = count
    while left:
        for records in (await consumer.getmany(timeout_ms=500, max_records=4000)).values():
            for start in range(0, len(records), BATCH):
                chunk = records[start : start + BATCH]
                ids = [dict(record.headers)["ce_id"].decode() for record in chunk]
                numbers = [int(ConsentDecided.FromString(record.value).purpose) for record in chunk]
                await database.execute(_EFFECT, ids, numbers)
                left -= len(chunk)
        await consumer.commit()
    await consumer.stop()


def main() -> None:
    """One half of the program."""
    half, count, topic = sys.argv[1:]
    uvloop.run({"write": write, "read": read}[half](int(count), topic))


if __name__ == "__main__":
    main()
