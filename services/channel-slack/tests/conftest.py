"""A whole channel-slack pod between the simulated Slack, real Kafka and PostgreSQL, and stand-ins of the other pods."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from slack_city import SlackCity, running_city

from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.testing import PodDatabase, PostgresAddress, database_for
from machi_sdk.work import Origin, Work, Works
from machi_tools.embedded.given import KafkaAddress

SERVICE = Path(__file__).parent.parent


@pytest.fixture
async def database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, SERVICE) as found:
        yield found


@pytest.fixture
async def city(database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path) -> AsyncIterator[SlackCity]:
    async with running_city(database, kafka_server.bootstrap, tmp_path) as found:
        yield found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))


@pytest.fixture
async def works(database: PodDatabase, clock: ManualClock) -> AsyncIterator[Works[Work]]:
    pool = Database(database.url)
    yield Works(pool, Work, Origin("channel-slack", clock))
    await pool.close()
