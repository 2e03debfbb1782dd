"""One stack per test session, started when first asked for."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.city import City, machi, visit


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running stack."""
    state = tmp_path_factory.mktemp("stack")
    # Only the test of the timeline wants spans, and it asks for them itself.
    os.environ.setdefault("SIMULATOR_TRACES", "off")
    try:
        machi(state, "up")
        yield state
    finally:
        machi(state, "down", check=False)


@pytest.fixture
async def city(stack: Path) -> AsyncIterator[City]:
    """The running city; faults are cleared before and after."""
    async with visit(stack) as running:
        await running.simulator.clear_faults()
        yield running
        await running.simulator.clear_faults()
