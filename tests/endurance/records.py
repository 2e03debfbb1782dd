"""Records through outbox → Kafka → inbox: the pod `tally` and its servers, with faults in all of them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg

from benchmarks.tally import BATCH, TENANT, reader, writer
from machi_sdk.testing import PodDatabase, database_for, new_topic
from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer
from tests.endurance.memory import Memory
from tests.endurance.trouble import Fault, Trouble

TALLY = Path(writer.__file__).parent
UNIT = 100_000
# Megabytes a process may grow per unit: what the allocator does, and no leak. Buffers fill until some 500,000 records,
# the more so the further readers are behind: short runs had up to 12.1. A kilobyte kept of each record would be 33 in
# each of three readers.
FLAT, FLAT_WHILE_FILLING = 2.0, 20.0
_HANG_SECONDS = 2.0
_STANDSTILL_SECONDS = 180.0
_LOOK_SECONDS = 0.5


@dataclass
class Kept:
    """A process that is started anew whenever it ends before its time."""

    words: list[str]
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    said: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Until it ends well, or this task is cancelled."""
        try:
            while await self._once() != 0:
                continue
        finally:
            if self.process is not None and self.process.returncode is None:
                self.process.kill()
                await self.process.wait()

    async def _once(self) -> int:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *self.words, env={**os.environ, **self.environment}, stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            word, _, number = line.decode().strip().partition(" ")
            if word == "written":
                self.said.append(int(number))
        return await self.process.wait()

    async def send(self, number: signal.Signals) -> None:
        """Signal the present process, if one runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)


@dataclass
class Ground:
    """Servers and processes."""

    postgres: PostgresServer
    kafka: KafkaServer
    database: PodDatabase
    writing: Kept
    readers: list[Kept]

    def faults(self) -> dict[str, Fault]:
        """Everything that may break; the last reader is spared, so that the memory of one long life is seen."""
        killed, hung = self.readers[0], self.readers[1]
        return {
            "writer kill -9": partial(self.writing.send, signal.SIGKILL),
            "reader kill -9": partial(killed.send, signal.SIGKILL),
            "reader hangs": partial(_hang, hung),
            "broker kill -9": partial(_crash, self.kafka),
            "database kill -9": partial(_crash, self.postgres),
        }

    def pids(self) -> dict[str, int]:
        """The processes whose memory is watched."""
        named = {"writer": self.writing, **{f"reader {index}": each for index, each in enumerate(self.readers)}}
        return {name: kept.process.pid for name, kept in named.items() if kept.process is not None}


async def _hang(kept: Kept) -> None:
    await kept.send(signal.SIGSTOP)
    await asyncio.sleep(_HANG_SECONDS)
    await kept.send(signal.SIGCONT)


async def _crash(server: KafkaServer | PostgresServer) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


@dataclass(frozen=True)
class Verdict:
    """What became of the records."""

    written: int
    effects: int
    different: int
    left: dict[str, int]
    faults: dict[str, int]
    slopes: dict[str, float]

    @property
    def lost(self) -> int:
        """Written and without effect."""
        return self.written - self.different

    @property
    def double(self) -> int:
        """Effects beyond one for each."""
        return self.effects - self.different


async def endure_records(count: int, folder: Path, every: float, seed: int = 1) -> Verdict:
    """Write `count` records, break things all the while, heal, drain, then judge by what the writer said it wrote."""
    async with _ground(folder, count) as ground:
        trouble = Trouble(ground.faults(), every, seed, lambda: len(ground.writing.said))
        memory = Memory()
        reading = [asyncio.create_task(each.run()) for each in ground.readers]
        writing = asyncio.create_task(ground.writing.run())
        try:
            async with trouble.going_on():
                await _watched(ground, writing, memory)
            return await _judged(ground, count, dict(trouble.made), memory)
        finally:
            for task in (*reading, writing):
                task.cancel()
            await asyncio.gather(*reading, writing, return_exceptions=True)


async def _watched(ground: Ground, writing: "asyncio.Task[None]", memory: Memory) -> None:
    while not writing.done():
        # A writer that is started anew says again what was written before.
        memory.sample(len(set(ground.writing.said)) * BATCH, ground.pids())
        await asyncio.wait([writing], timeout=_LOOK_SECONDS)
    writing.result()


@asynccontextmanager
async def _ground(folder: Path, count: int) -> AsyncIterator[Ground]:
    postgres = await asyncio.to_thread(PostgresServer(folder / "postgres" / "data").start)
    kafka = await asyncio.to_thread(KafkaServer(folder / "kafka" / "data").start)
    try:
        topic = await new_topic(kafka.bootstrap, partitions=6)
        async with database_for(postgres, TALLY) as database:
            environment = {"DATABASE_URL": database.url, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap}
            writing = Kept([writer.__name__, "0", str(count), topic], environment)
            readers = [Kept([reader.__name__, topic], environment) for _ in range(3)]
            yield Ground(postgres, kafka, database, writing, readers)
    finally:
        await asyncio.to_thread(kafka.destroy)
        await asyncio.to_thread(postgres.destroy)


async def _judged(ground: Ground, count: int, faults: dict[str, int], memory: Memory) -> Verdict:
    written = sum(min(BATCH, count - first) for first in set(ground.writing.said))
    connection = await asyncpg.connect(ground.database.admin_url)
    try:
        found = await _drained(connection, written)
        left = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in ("outbox", "parked")}
    finally:
        await connection.close()
    return Verdict(written, *found, left, faults, memory.slopes(UNIT))


async def _drained(connection: "asyncpg.Connection[asyncpg.Record]", written: int) -> tuple[int, int]:
    """Effects and how many different ones, once there is one for each record or no more come."""
    counted = "SELECT count(*) AS effects, count(DISTINCT number) AS different FROM effects WHERE tenant = $1"
    loop = asyncio.get_running_loop()
    before, moved = -1, loop.time()
    while True:
        found = await connection.fetchrow(counted, TENANT)
        assert found is not None
        if found["different"] >= written or loop.time() > moved + _STANDSTILL_SECONDS:
            return found["effects"], found["different"]
        if found["different"] != before:
            before, moved = found["different"], loop.time()
        await asyncio.sleep(_LOOK_SECONDS)
