"""Which pods are installed, and what do they keep about people?"""

from machi.pods.v1.pod_registry_service_pb2 import ListPodsRequest
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceStub
from machi_sdk.manifest import parse_manifest
from machi_sdk.rpc import Peers, for_tenant


async def kept_about_people(peers: Peers) -> dict[str, list[str]]:
    """What each pod says it keeps."""
    stub = PodRegistryServiceStub(peers.channel("identity"))
    answer = await stub.ListPods(ListPodsRequest(), timeout=3.0, metadata=for_tenant("fukuoka"))
    manifests = [parse_manifest(pod.manifest_json, known_only=True) for pod in answer.pods]
    return {manifest.name: [entry.what for entry in manifest.personal_data] for manifest in manifests}
