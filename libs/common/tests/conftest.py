"""A toy pod: its database, its works, and a release that it belongs to."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chatting import Chat, a_chat
from talking import Talk, Tell

from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.dialogue import DialogueKit
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.telemetry import start_logging
from machi_sdk.testing import LocalRelease, PodDatabase, PostgresAddress, database_for
from machi_sdk.work import Origin, Work, Works

TOY = Path(__file__).parent / "toy"


@pytest.fixture(autouse=True, scope="session")
def _telemetry() -> None:
    start_logging("toy")  # the default shows exceptions at length, which takes long


@pytest.fixture
def toy_folder() -> Path:
    return TOY


@pytest.fixture
def toy() -> Manifest:
    return load_manifest(TOY / "service.yaml")


@pytest.fixture
async def pod_database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, TOY) as database:
        yield database


@pytest.fixture
async def database(pod_database: PodDatabase) -> AsyncIterator[Database]:
    database = Database(pod_database.url)
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 4, 1, 9, 0, tzinfo=UTC))


@pytest.fixture
def works(database: Database, clock: ManualClock) -> Works[Work]:
    return Works(database, Work, Origin("toy", clock))


@pytest.fixture
async def release(tmp_path: Path) -> AsyncIterator[LocalRelease]:
    async with LocalRelease(tmp_path / "release", frozenset({"fukuoka", "sapporo"})) as release:
        yield release


@pytest.fixture
def program() -> Callable[[str], Path]:
    """Where a program lies that a test starts in a process of its own."""
    return lambda name: Path(__file__).parent / "programs" / f"{name}.py"


@pytest.fixture
def tell() -> Tell:
    return Tell()


@pytest.fixture
def kit(works: Works[Work], clock: ManualClock, tell: Tell) -> DialogueKit[Work]:
    return DialogueKit(works, [tell], clock)


@pytest.fixture
def talk(kit: DialogueKit[Work]) -> Talk:
    return Talk(kit)


@pytest.fixture
async def chat(works: Works[Work], clock: ManualClock) -> Chat:
    return await a_chat(works, clock)
