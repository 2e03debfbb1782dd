"""What the tests of idea-box share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from machi_sdk.testing import PodDatabase, PostgresAddress, database_for

SERVICE = Path(__file__).resolve().parents[1]


@pytest.fixture
async def database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, SERVICE) as found:
        yield found
