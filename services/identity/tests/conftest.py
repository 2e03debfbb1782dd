"""A real database per test, and identity's rpc server in this process with tokens as the stack would issue them."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from linking_city import HERE, AtChannel

from machi.pods.v1 import pod_registry_service_pb2 as pods
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceStub
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

SERVICE = Path(__file__).resolve().parents[1]
REPORTS = (SERVICE / "tests" / "reports.yaml").read_text(encoding="utf-8")
CALLERS = {
    "channel-line": ("machi.identity.v1.IdentityService", "machi.dialogue.v1.DialogueService"),
    "channel-slack": (
        "machi.identity.v1.IdentityService",
        "machi.identity.v1.StaffService",
        "machi.dialogue.v1.DialogueService",
    ),
    "reports": ("machi.identity.v1.IdentityService", "machi.consent.v1.ConsentService"),
    "tourism": ("machi.consent.v1.ConsentService",),
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
    pod.installed.read_whole = True
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


@pytest.fixture
async def line(channel_of: ChannelOf, pod: Pod) -> AtChannel:
    """A person on LINE, in a city with a purpose to decide about."""
    registry = PodRegistryServiceStub(channel_of("operator"))
    await registry.InstallPod(pods.InstallPodRequest(manifest_yaml=REPORTS), **HERE)
    await pod.installed.put(pod.manifest)
    return AtChannel(channel_of("channel-line"), "line", "U1")


@pytest.fixture
def slack(line: AtChannel, channel_of: ChannelOf) -> AtChannel:
    """A person on Slack."""
    assert line.channel  # comes first: it installs what both need
    return AtChannel(channel_of("channel-slack"), "slack", "T1/U1")
