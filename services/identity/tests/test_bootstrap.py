"""The first start of a release: nothing is installed, identity takes its own manifest and becomes ready."""

from collections.abc import Callable
from pathlib import Path

import pytest

from machi.pods.v1 import pod_registry_service_pb2 as pods
from machi.pods.v1.events_pb2 import PodInstalled
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceStub
from machi_identity.wiring import assemble
from machi_sdk.clock import SystemClock
from machi_sdk.manifest import load_manifest
from machi_sdk.rpc import for_tenant
from machi_sdk.rpc.client import Peers
from machi_sdk.service import Pod
from machi_sdk.settings import Settings
from machi_sdk.testing import LocalIssuer, PodDatabase, create_topics, read_all, registered_topics, wait_until
from machi_tools.embedded.given import KafkaAddress

pytestmark = pytest.mark.integration
SERVICE = Path(__file__).resolve().parents[1]
TOPICS = SERVICE.parents[1] / "protos" / "topics"
TOPIC = "machi.pods.v1"


async def test_identity_becomes_ready_by_its_own_installation(
    database: PodDatabase, kafka_server: KafkaAddress, issuer: LocalIssuer
) -> None:
    await create_topics(kafka_server.bootstrap, registered_topics(TOPICS))  # as others on this broker make them
    settings = Settings(
        database_url=database.url,
        kafka_bootstrap_servers=kafka_server.bootstrap,
        machi_keys_dir=issuer.folder_of("identity"),
    )
    pod = Pod(settings, load_manifest(SERVICE / "service.yaml"), SystemClock())
    await assemble(pod)
    await pod.start()
    issuer.allow("operator", "identity")
    peers = Peers({"identity": f"127.0.0.1:{pod.rpc.port}"}, issuer.keys_of("operator"))
    try:
        await wait_until(lambda: only_uninstalled(pod.health.troubles), 30)
        request = pods.InstallPodRequest(manifest_yaml=(SERVICE / "service.yaml").read_text(encoding="utf-8"))
        stub = PodRegistryServiceStub(peers.channel("identity"))
        answer = await stub.InstallPod(request, timeout=30, metadata=for_tenant("fukuoka"))
        assert (answer.pod, answer.manifest_hash) == ("identity", pod.manifest.hash)
        await wait_until(lambda: not pod.health.troubles(), 30)
        published = [received.event for received in await read_all(kafka_server.bootstrap, TOPIC)]
        mine = [
            event.pod.manifest_hash
            for event in published
            if isinstance(event, PodInstalled) and event.pod.pod == "identity"
        ]
        assert pod.manifest.hash in mine
    finally:
        await peers.close()
        await pod.drain()


def only_uninstalled(troubles: Callable[[], dict[str, str]]) -> bool:
    return set(troubles()) == {"manifest"}
