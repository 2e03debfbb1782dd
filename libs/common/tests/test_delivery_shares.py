"""Several tenants' deliveries: none waits for another's platform, and places that nobody else needs are used."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi_sdk.deliveries import DeliveryLoop, DeliveryRows, SendDelivery
from machi_sdk.deliveries.rows import Open
from machi_sdk.testing import wait_until

AT_ONCE = 32


@dataclass
class Crowd:
    """`DeliveryRows` in memory: so many people wait, by tenant."""

    waiting: Counter[str]
    channel: str = "line"

    async def claim(self, tenant: str, count: int) -> list[Open]:
        found = min(count, self.waiting[tenant])
        self.waiting[tenant] -= found
        return [Open(tenant, DeliveryRequested(), 1, "", None, 0, {}) for _ in range(found)]


@dataclass
class Hanging:
    """`SendDelivery` whose attempts for the tenants that hang end when they are let go, one by one."""

    tenants: tuple[str, ...]
    let_go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    under_way: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    async def attempt(self, delivery: Open) -> None:
        self.under_way[delivery.tenant] += 1
        if delivery.tenant in self.tenants:
            await self.let_go.acquire()
        self.under_way[delivery.tenant] -= 1
        self.done[delivery.tenant] += 1


@asynccontextmanager
async def running(crowd: Crowd, sender: Hanging, *tenants: str) -> AsyncIterator[None]:
    loop = DeliveryLoop(cast("DeliveryRows", crowd), cast("SendDelivery", sender), tenants)
    task = asyncio.create_task(loop.run())
    yield
    task.cancel()
    await asyncio.wait([task])


async def test_a_tenant_whose_platform_hangs_leaves_places_to_the_others() -> None:
    crowd, sender = Crowd(Counter(fukuoka=1_000, sapporo=40)), Hanging(("fukuoka",))
    async with running(crowd, sender, "fukuoka", "sapporo"):
        await wait_until(lambda: sender.done["sapporo"] == 40)
        assert sender.done["fukuoka"] == 0


async def test_two_tenants_whose_platforms_hang_leave_places_to_a_third() -> None:
    crowd, sender = Crowd(Counter(fukuoka=1_000, sapporo=1_000, kobe=40)), Hanging(("fukuoka", "sapporo"))
    async with running(crowd, sender, "fukuoka", "sapporo", "kobe"):
        await wait_until(lambda: sender.done["kobe"] == 40)


async def test_who_comes_later_gets_the_next_place() -> None:
    crowd, sender = Crowd(Counter(fukuoka=1_000)), Hanging(("fukuoka", "sapporo"))
    async with running(crowd, sender, "fukuoka", "sapporo"):
        await wait_until(lambda: sender.under_way["fukuoka"] == AT_ONCE)
        crowd.waiting["sapporo"] = 1_000
        for _ in range(16):
            sender.let_go.release()
        await wait_until(lambda: sender.under_way == Counter(fukuoka=16, sapporo=16))


@pytest.mark.parametrize("tenants", [("fukuoka",), ("fukuoka", "sapporo"), ("sapporo", "fukuoka", "kobe")])
async def test_places_that_nobody_else_needs_are_used(tenants: tuple[str, ...]) -> None:
    crowd, sender = Crowd(Counter(fukuoka=1_000)), Hanging(("fukuoka",))
    async with running(crowd, sender, *tenants):
        await wait_until(lambda: sender.under_way["fukuoka"] == AT_ONCE)


async def test_who_is_stopped_ends_what_was_begun_and_begins_nothing_new() -> None:
    crowd, sender = Crowd(Counter(fukuoka=40)), Hanging(("fukuoka",))
    loop = DeliveryLoop(cast("DeliveryRows", crowd), cast("SendDelivery", sender), ["fukuoka"])
    task = asyncio.create_task(loop.run())
    await wait_until(lambda: sender.under_way["fukuoka"] == AT_ONCE)
    loop.stop()
    for _ in range(40):
        sender.let_go.release()
    await asyncio.wait_for(task, 60)
    assert (sender.done["fukuoka"], crowd.waiting["fukuoka"]) == (AT_ONCE, 40 - AT_ONCE)
