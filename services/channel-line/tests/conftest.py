"""A whole channel-line pod between the simulated LINE, real Kafka and PostgreSQL, and stand-ins of the other pods."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from line_city import LineCity, running_city

from machi_sdk.testing import PodDatabase, PostgresAddress, database_for
from machi_tools.embedded.given import KafkaAddress

SERVICE = Path(__file__).parent.parent


@pytest.fixture
async def database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, SERVICE) as found:
        yield found


@pytest.fixture
async def city(database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path) -> AsyncIterator[LineCity]:
    async with running_city(database, kafka_server.bootstrap, tmp_path) as found:
        yield found
