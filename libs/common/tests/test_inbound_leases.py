"""Leases of inbound events: each try keeps its own, whatever becomes of another one."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from writing import Adapter, accept, all_are, running

from machi_sdk.database import Database
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import InboundQueue, PendingEvent
from machi_sdk.testing import wait_until
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
_RUNS_OUT = """
UPDATE inbound_events SET due_at = now() + make_interval(secs => $3) WHERE event_id = $1 AND tries = $2
"""
_LEASE_LEFT = "SELECT extract(epoch FROM due_at - now())::float8 FROM inbound_events WHERE event_id = $1"
_ANYBODY_WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


class Overlapping(Adapter):
    """Takes another try of an event while one is under way."""

    async def handle(self, event: PendingEvent) -> None:
        assert self.step is not None
        await self.step(event)
        await event.mark("done")


async def let_run_out(works: Works[Work], event_id: str, tries: int, seconds: float) -> None:
    async with works.begin("") as work:
        await work.db.execute(_RUNS_OUT, event_id, tries, seconds)


def leased_anew(works: Works[Work], event_id: str) -> Callable[[], Awaitable[bool]]:
    async def renewed() -> bool:
        async with works.begin("") as work:
            return bool(await work.db.fetchval(_LEASE_LEFT, event_id) > 6)

    return renewed


async def test_a_try_whose_lease_ran_out_ends_no_renewing_of_the_next(
    works: Works[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._RENEW_SECONDS", 0.1)
    tries: Counter[int] = Counter()
    first_ends, second_ends = asyncio.Event(), asyncio.Event()

    async def take_long(event: PendingEvent) -> None:
        tries[event.tries] += 1
        if event.tries > 1:
            await second_ends.wait()
            return
        await first_ends.wait()
        raise Unavailable("photo-download")

    async def claimed_again() -> bool:
        await let_run_out(works, "a/1", 1, 0.0)
        return bool(tries[2])

    queue = InboundQueue(works, Overlapping(take_long), "line")
    await accept(works, queue, "a/1")
    async with running(queue):
        await wait_until(lambda: tries[1])
        await wait_until(claimed_again)
        first_ends.set()
        await wait_until(lambda: len(queue._running) == 1)
        await let_run_out(works, "a/1", 2, 3.0)
        await wait_until(leased_anew(works, "a/1"))
        second_ends.set()
        await wait_until(all_are(works, "done"))
    assert tries == {1: 1, 2: 1}


async def test_what_cannot_be_put_off_now_keeps_no_lease_from_being_renewed(
    works: Works[Work], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._RENEW_SECONDS", 0.1)
    monkeypatch.setattr("machi_sdk.inbound.queue._PUT_OFF_SECONDS", 0.5)
    locked, ends, tries = asyncio.Event(), asyncio.Event(), Counter[str]()

    async def step(event: PendingEvent) -> None:
        tries[event.event.event_id] += 1
        if event.event.event_id == "b/1":
            await ends.wait()
        elif event.tries == 1:
            await locked.wait()
            raise Unavailable("reports-down")

    async def somebody_waits() -> bool:
        async with works.begin("") as work:
            return bool(await work.db.fetchval(_ANYBODY_WAITS))

    queue = InboundQueue(works, Adapter(step), "line")
    await accept(works, queue, "a/1", "b/1")
    other = await database.connect()
    async with running(queue):
        await wait_until(lambda: tries.total() == 2)
        async with other.transaction():
            await other.execute("SELECT FROM inbound_events WHERE event_id = 'a/1' FOR UPDATE")
            locked.set()
            await wait_until(somebody_waits)
            await let_run_out(works, "b/1", 1, 5.0)
            await wait_until(leased_anew(works, "b/1"))
        ends.set()
        await let_run_out(works, "a/1", 1, 0.0)
        await wait_until(all_are(works, "done"))
    await other.close()
    assert tries == {"a/1": 2, "b/1": 1}
