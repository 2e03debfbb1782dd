"""Bulkheads: a hung pod takes its own places only, and is left alone for a moment."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from machi_sdk.errors import Unavailable
from machi_sdk.inbound import Bulkheads
from machi_sdk.testing import wait_until


async def test_a_hung_pod_takes_its_own_places_only() -> None:
    bulkheads, release = Bulkheads(), asyncio.Event()

    async def visit(pod: str) -> str:
        async with bulkheads.enter(pod):
            await release.wait()
            return pod

    held = [asyncio.create_task(visit("reports")) for _ in range(16 + 16)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="bulkhead-full"):
        await visit("reports")
    release.set()
    assert await visit("identity") == "identity"
    assert await asyncio.gather(*held) == ["reports"] * 32, "who waited for a place did not get one"


async def test_who_waits_for_a_hung_pod_is_put_off_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_sdk.inbound.bulkheads._QUEUE_SECONDS", 0.05)
    bulkheads = Bulkheads()
    async with AsyncExitStack() as held:
        for _ in range(16):
            await held.enter_async_context(bulkheads.enter("reports"))
        with pytest.raises(Unavailable, match="bulkhead-full"):
            async with bulkheads.enter("reports"):
                pass
    async with bulkheads.enter("reports"):
        pass  # the places are free again


async def test_a_failing_pod_is_left_alone_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_sdk.inbound.bulkheads._REST_SECONDS", 0.2)
    bulkheads = Bulkheads()
    asked: list[str] = []

    async def ask(*, well: bool) -> None:
        async with bulkheads.enter("reports"):
            asked.append("asked")
            if not well:
                raise Unavailable("down")

    for _ in range(7):
        with pytest.raises(Unavailable):
            await ask(well=False)
    assert len(asked) == 5

    async def answered() -> bool:
        try:
            await ask(well=True)
        except Unavailable:
            return False
        return True

    await wait_until(answered, within=2)
    await ask(well=True)
