"""`make bench-pipeline`: outbox → Kafka → inbox and effect, beside the same by hand and the same without batches.

All run on one PostgreSQL and one Kafka, one after another in turns; each side is two processes, a writing and a
reading one. The time runs from the first event to the last effect.
"""

import asyncio
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.baselines import hand_batched, plain
from benchmarks.results import keep
from benchmarks.stacks import running_program
from benchmarks.tally import reader, writer
from machi_sdk.database import Connection
from machi_sdk.testing import PodDatabase, database_for
from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer

TALLY = Path(__file__).parent / "tally"
_PAIRS = 3
_EVENTS = 60_000
_PLAIN_EVENTS = 1_000
_PLAIN_RUNS = 1
_JOIN_SECONDS = 3.0
_PATIENCE = 120.0
_LOOK_EVERY = 0.005
_DIFFERENT = "SELECT count(DISTINCT number) FROM effects"


@dataclass
class Ground:
    """Where all of them run."""

    database: PodDatabase
    kafka: KafkaServer
    round: int = 0

    async def ours(self) -> float:
        """Events a second of the pod `tally`."""
        topic = await self._topic("tally")
        halves = ([reader.__name__, topic], [writer.__name__, "0", str(_EVENTS), topic])
        return await self._rate(_EVENTS, halves, "outbox", self.database.url)

    async def by_hand(self, module: str, events: int) -> float:
        """Events a second of a hand-written program."""
        topic = await self._topic("hand")
        halves = ([module, "read", str(events), topic], [module, "write", str(events), topic])
        return await self._rate(events, halves, "hand_outbox", self.database.owner_url)

    async def _topic(self, name: str) -> str:
        self.round += 1
        topic = f"bench.{name}.{self.round}"
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(topic, num_partitions=6, replication_factor=1)])
        await admin.close()
        return topic

    async def _rate(self, events: int, halves: tuple[list[str], list[str]], outbox: str, url: str) -> float:
        owner = await asyncpg.connect(self.database.admin_url)
        await owner.execute("TRUNCATE outbox, inbox, attempts, written, effects, hand_outbox RESTART IDENTITY")
        reading, writing = halves
        environment = {"DATABASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap}
        with running_program(*reading, **environment):
            await asyncio.sleep(_JOIN_SECONDS)
            with running_program(*writing, **environment):
                await _numbered(owner, outbox, 1)
                began = time.perf_counter()
                await _numbered(owner, "effects", events)
                while await owner.fetchval(_DIFFERENT) < events:  # noqa: ASYNC110 (no event tells)
                    await asyncio.sleep(_LOOK_EVERY)
                took = time.perf_counter() - began
        await owner.close()
        return events / took


async def _numbered(owner: Connection, table: str, count: int) -> None:
    """Wait for the table's `count`th row, by its sequence: to count rows would take the time that is measured."""
    began = time.perf_counter()
    reached = f"SELECT is_called AND last_value >= {count} FROM {table}_id_seq"
    while not await owner.fetchval(reached):
        if time.perf_counter() - began > _PATIENCE:
            raise SystemExit(f"{table} did not reach {count} within {_PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_EVERY)


async def measure(ground: Ground) -> dict[str, object]:
    """All figures; the rates are events a second."""
    pairs = [(await ground.ours(), await ground.by_hand(hand_batched.__name__, _EVENTS)) for _ in range(_PAIRS)]
    one_by_one = [await ground.by_hand(plain.__name__, _PLAIN_EVENTS) for _ in range(_PLAIN_RUNS)]
    ours, by_hand = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio, slow = statistics.median(mine / theirs for mine, theirs in pairs), statistics.median(one_by_one)
    return {
        "ours_per_s": round(ours), "hand_batched_per_s": round(by_hand), "plain_per_s": round(slow),
        "of_hand_batched": round(ratio, 2), "times_plain": round(ours / slow, 1),
    }  # fmt: skip


async def main() -> None:
    """Start the servers, measure, stop them."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as cleanup:
        postgres = PostgresServer(Path(folder) / "postgres" / "data").start()
        cleanup.callback(postgres.destroy)
        kafka = KafkaServer(Path(folder) / "kafka" / "data").start()
        cleanup.callback(kafka.destroy)
        async with database_for(postgres, TALLY) as database:
            owner = await asyncpg.connect(database.owner_url)
            await owner.execute(hand_batched.TABLES)
            await owner.close()
            figures = await measure(Ground(database, kafka))
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(f"kept in {keep('pipeline', figures)}")


if __name__ == "__main__":
    asyncio.run(main())
