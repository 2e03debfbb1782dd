"""Records survive faults everywhere, in the short form."""

import asyncio
from pathlib import Path

import pytest

from tests.endurance.memory import Memory, growing
from tests.endurance.records import FLAT_WHILE_FILLING, endure_records
from tests.endurance.trouble import Trouble

RECORDS = 250_000


@pytest.mark.faults
@pytest.mark.integration
@pytest.mark.timeout(900)
async def test_no_record_is_lost_or_doubled_whatever_breaks(tmp_path: Path) -> None:
    verdict = await endure_records(RECORDS, tmp_path, every=1.5)
    assert (verdict.written, verdict.lost, verdict.double) == (RECORDS, 0, 0)
    assert verdict.left == {"outbox": 0, "parked": 0}
    assert sum(verdict.faults.values()) >= 4
    assert "reader 2" in verdict.slopes  # which nothing kills
    assert growing(verdict.slopes, FLAT_WHILE_FILLING) == []


def test_a_process_that_grows_is_seen() -> None:
    memory = Memory()
    memory._lives[("leaking", 1)] = [(done, 80 + done / 1000) for done in range(0, 10_000, 100)]
    memory._lives[("flat", 2)] = [(done, 80 + 40 * (done < 2_000)) for done in range(0, 10_000, 100)]
    memory._lives[("filling", 4)] = [(done, 80 + 10 * (done > 6_000)) for done in range(0, 10_000, 100)]
    memory._lives[("flat", 3)] = [(0, 10.0), (100, 900.0)]  # a short life says nothing
    assert memory.slopes(1000) == {"leaking": 1.0, "flat": 0.0, "filling": 0.0}
    assert memory.highest() == {"leaking": 89.9, "flat": 900.0, "filling": 90.0}


async def test_nothing_breaks_again_before_something_has_moved() -> None:
    progress, broken = 0, asyncio.Event()

    async def broke() -> None:
        broken.set()

    trouble = Trouble({"broke": broke}, every=0.01, seed=1, progress=lambda: progress)
    async with trouble.going_on():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(broken.wait(), 0.1)
        progress = 1
        await asyncio.wait_for(broken.wait(), 60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.1)
    assert trouble.made == {"broke": 1}


async def test_a_fault_that_cannot_be_made_is_no_success() -> None:
    tried = asyncio.Event()

    async def impossible() -> None:
        tried.set()
        raise RuntimeError("no such process")

    with pytest.raises(RuntimeError, match="no such process"):
        async with Trouble({"impossible": impossible}, every=0.01, seed=1).going_on():
            await tried.wait()
