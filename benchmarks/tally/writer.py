"""Writes numbered events in batches and carries them to Kafka: `python -m benchmarks.tally.writer FIRST COUNT TOPIC`.

DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, CRASH_AT. Says "written <first>" on a line of its own for each batch once it is
committed, and ends when the outbox is empty.
"""

import asyncio
import sys
from contextlib import suppress

import uvloop
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from benchmarks.tally import BATCH, PEOPLE, TENANT
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.database import Database
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.garbage import collect_seldom
from machi_sdk.producer import Producer
from machi_sdk.relay import Relay
from machi_sdk.settings import read_settings
from machi_sdk.telemetry import span, start_logging
from machi_sdk.work import Origin, Work, Works

_WRITTEN = "INSERT INTO written (tenant, first) VALUES ($1, $2)"
_BEFORE = "SELECT first FROM written WHERE tenant = $1"


class Writer:
    """The half of the pod that says what happened."""

    def __init__(self, topic: str) -> None:
        settings = read_settings()
        self._topic = topic
        self._database = Database(settings.database_url)
        self._producer = Producer(settings, "tally", SystemClock())
        self._relay = Relay(self._database, self._producer, Faultpoints(settings.crash_at))
        self._works = Works(self._database, Work, Origin("tally", SystemClock(), self._relay.wake))

    async def run(self, first: int, count: int) -> None:
        """Write all, and see all leave."""
        relaying = asyncio.create_task(self._relay.run())
        before = await self._before()
        for start in range(first, first + count, BATCH):
            if start not in before:
                await self._surely(start, min(BATCH, first + count - start))
            print(f"written {start}", flush=True)
        while await self._left():  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.02)
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await self._producer.close()
        await self._database.close()

    async def _before(self) -> set[int]:
        """The batches of an earlier life."""
        while True:
            try:
                async with self._works.begin(TENANT) as work:
                    return {row["first"] for row in await work.db.fetch(_BEFORE, TENANT)}
            except Unavailable:
                await asyncio.sleep(0.2)

    async def _surely(self, start: int, size: int) -> None:
        """Write one batch, however often it takes; one whose commit was not heard of is not written again."""
        while True:
            try:
                with suppress(Conflict), span("write"):
                    await self._write(start, size)
            except Unavailable:
                await asyncio.sleep(0.2)
            else:
                return

    async def _write(self, start: int, size: int) -> None:
        async with self._works.begin(TENANT) as work:
            await work.db.execute(_WRITTEN, TENANT, start)
            for number in range(start, start + size):
                key = f"citizen-{number % PEOPLE}"
                work.emit(self._topic, key, ConsentDecided(citizen_id=key, purpose=str(number)))

    async def _left(self) -> bool:
        try:
            async with self._works.begin(TENANT) as work:
                return bool(await work.db.fetchval("SELECT EXISTS (SELECT FROM outbox)"))
        except Unavailable:
            return True


def main() -> None:
    """Write FIRST, FIRST + 1, … to TOPIC."""
    first, count, topic = sys.argv[1:]
    start_logging("tally")
    collect_seldom()
    trace.set_tracer_provider(TracerProvider())  # spans are recorded, as where a collector is named
    uvloop.run(Writer(topic).run(int(first), int(count)))


if __name__ == "__main__":
    main()
