"""PodRegistryService: decode, use case, encode. The registry is the release's, so works open as the default tenant."""

import grpc
from google.protobuf.message import Message

from machi.pods.v1 import pod_registry_service_pb2 as pb
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceServicer
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.pods import PodRecord
from machi_identity.use_cases.install_pod import install_pod
from machi_identity.use_cases.uninstall_pod import uninstall_pod
from machi_sdk.clock import Clock
from machi_sdk.work import Works

_Context = grpc.aio.ServicerContext[Message, Message]


class PodsRpc(PodRegistryServiceServicer):
    """Who is installed; writing needs the operator's credential (manifest)."""

    def __init__(self, works: Works[IdentityWork], clock: Clock, release_tenant: str) -> None:
        self._works = works
        self._clock = clock
        self._tenant = release_tenant

    async def InstallPod(self, request: pb.InstallPodRequest, context: _Context) -> pb.InstallPodResponse:
        """Make a manifest the installed one and publish it, even when nothing changed."""
        async with self._works.begin(self._tenant) as work:
            record, changed = await install_pod(request.manifest_yaml, work, self._clock)
        return pb.InstallPodResponse(pod=record.pod, manifest_hash=record.manifest_hash, changed=changed)

    async def UninstallPod(self, request: pb.UninstallPodRequest, context: _Context) -> pb.UninstallPodResponse:
        """Take the pod out and publish it."""
        async with self._works.begin(self._tenant) as work:
            return pb.UninstallPodResponse(changed=await uninstall_pod(request.pod, work, self._clock))

    async def ListPods(self, request: pb.ListPodsRequest, context: _Context) -> pb.ListPodsResponse:
        """Installed pods by name."""
        async with self._works.begin(self._tenant) as work:
            return pb.ListPodsResponse(pods=[_wire(record) for record in await work.pods.all()])


def _wire(record: PodRecord) -> pb.InstalledPod:
    return pb.InstalledPod(pod=record.pod, manifest_hash=record.manifest_hash, manifest_json=record.manifest_json)
