"""People who write, and an adapter that does with each event what a test says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from machi.channel.v1.events_pb2 import InboundEvent
from machi_sdk.envelope import Received
from machi_sdk.inbound import InboundQueue, PendingEvent
from machi_sdk.work import Work, Works

Step = Callable[[PendingEvent], Awaitable[object]]


@dataclass
class Adapter:
    """Does with each event what the test says, and remembers."""

    step: Step | None = None
    handled: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    foreseen: list[str] = field(default_factory=list)
    busy: Counter[str] = field(default_factory=Counter)
    most: int = 0

    def foresee(self, event: PendingEvent) -> None:
        self.foreseen.append(event.event.event_id)

    async def handle(self, event: PendingEvent) -> None:
        person = event.event.event_id.partition("/")[0]
        self.busy[person] += 1
        self.most = max(self.most, self.busy.total())
        assert self.busy[person] == 1
        try:
            if self.step is not None:
                await self.step(event)
            self.handled.append(event.event.event_id)
            await event.mark("done")
        finally:
            self.busy[person] -= 1

    async def say_waiting(self, event: PendingEvent) -> None:
        self.told.append(event.event.event_id)


def arrived(event_id: str, tenant: str = "fukuoka") -> Received:
    """`person/number` as it comes from Kafka."""
    person = event_id.partition("/")[0]
    event = InboundEvent(event_id=event_id)
    return Received(event, event_id, "x", tenant, person, datetime.now(UTC), "topic", {})


async def accept(works: Works[Work], queue: InboundQueue, *event_ids: str, tenant: str = "fukuoka") -> None:
    async with works.begin(tenant) as work:
        await queue.accept([arrived(event_id, tenant) for event_id in event_ids], work)


@asynccontextmanager
async def running(*queues: InboundQueue) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work()) for queue in queues for work in (queue.run, queue.watch)]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def states(works: Works[Work]) -> dict[str, str]:
    async with works.begin("") as work:
        rows = await work.db.fetch("SELECT event_id, state FROM inbound_events ORDER BY id")
        return {row["event_id"]: row["state"] for row in rows}


def all_are(works: Works[Work], state: str) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        return set((await states(works)).values()) == {state}

    return done


def only_done(works: Works[Work], *event_ids: str) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        return {name for name, state in (await states(works)).items() if state == "done"} == set(event_ids)

    return done
