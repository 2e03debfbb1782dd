"""What the tests of notifications share."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from machi_notifications.adapters.work import NotificationsWork
from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.testing import PodDatabase, PostgresAddress, database_for
from machi_sdk.work import Origin, Works

SERVICE = Path(__file__).parent.parent
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, SERVICE) as found:
        yield found


@pytest.fixture
async def works(database: PodDatabase, clock: ManualClock) -> AsyncIterator[Works[NotificationsWork]]:
    pool = Database(database.url)
    yield Works(pool, NotificationsWork, Origin("notifications", clock))
    await pool.close()
