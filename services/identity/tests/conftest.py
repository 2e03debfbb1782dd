"""A real database per test, and identity's rpc server in this process with tokens as the stack would issue them."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from machi_identity.adapters.work import CONSTRAINTS, IdentityWork
from machi_identity.wiring import assemble
from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.rpc.client import Peers
from machi_sdk.service import Pod
from machi_sdk.settings import Settings
from machi_sdk.testing import LocalIssuer, PodDatabase, PostgresAddress, database_for
from machi_sdk.work import Origin, Works

sys.path.insert(0, str(Path(__file__).parent))

SERVICE = Path(__file__).resolve().parents[1]
CALLERS = {
    "channel-line": ("machi.identity.v1.IdentityService", "machi.dialogue.v1.DialogueService"),
    "channel-slack": ("machi.identity.v1.IdentityService", "machi.identity.v1.StaffService"),
    "reports": ("machi.identity.v1.IdentityService", "machi.consent.v1.ConsentService"),
}
ChannelOf = Callable[[str], grpc.aio.Channel]


@pytest.fixture
async def database(postgres_server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    async with database_for(postgres_server, SERVICE) as found:
        yield found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))


@pytest.fixture
async def works(database: PodDatabase, clock: ManualClock) -> AsyncIterator[Works[IdentityWork]]:
    pool = Database(database.url)
    yield Works(pool, IdentityWork, Origin("identity", clock), CONSTRAINTS)
    await pool.close()


@pytest.fixture
def issuer(tmp_path: Path) -> LocalIssuer:
    return LocalIssuer(tmp_path)


@pytest.fixture
async def pod(database: PodDatabase, clock: ManualClock, issuer: LocalIssuer) -> AsyncIterator[Pod]:
    """Identity without Kafka: rpc and database are real."""
    settings = Settings(
        database_url=database.url, machi_keys_dir=issuer.folder_of("identity"), machi_tenants="fukuoka,sapporo"
    )
    pod = Pod(settings, load_manifest(SERVICE / "service.yaml"), clock)
    await assemble(pod)
    for name, services in CALLERS.items():
        calls = [{"pod": "identity", "services": services}]
        content = {"name": name, "version": "1", "owner": "test", "calls": calls}
        await pod.installed.put(Manifest.model_validate(content))
    await pod.rpc.start("127.0.0.1:0")
    yield pod
    await pod.rpc.drain(0.2)
    await pod.database.close()


@pytest.fixture
async def channel_of(pod: Pod, issuer: LocalIssuer) -> AsyncIterator[ChannelOf]:
    """A channel to identity, called as that pod, or as "operator"."""
    opened: list[Peers] = []

    def channel(caller: str) -> grpc.aio.Channel:
        issuer.allow(caller, "identity")
        opened.append(Peers({"identity": f"127.0.0.1:{pod.rpc.port}"}, issuer.keys_of(caller)))
        return opened[-1].channel("identity")

    yield channel
    for peers in opened:
        await peers.close()
