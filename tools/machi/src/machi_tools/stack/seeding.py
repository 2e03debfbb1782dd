"""After the pods started: installs their manifests, with an operator's credential."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from machi.pods.v1 import pod_registry_service_pb2 as pods_pb2
from machi.pods.v1 import pod_registry_service_pb2_grpc as pods_grpc
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.rpc import Peers
from machi_tools.operator import DEADLINE, Operator, told
from machi_tools.stack.pods import Pod

REGISTRY = "identity"
PATIENCE_SECONDS = 60.0


async def install(operator: Operator, pod: Pod) -> bool:
    """Install one manifest; True when it was new or different."""
    request = pods_pb2.InstallPodRequest(manifest_yaml=pod.manifest_path.read_text(encoding="utf-8"))

    async def ask(peers: Peers, tenant: tuple[tuple[str, str], ...]) -> bool:
        stub = pods_grpc.PodRegistryServiceStub(peers.channel(REGISTRY))
        return bool((await stub.InstallPod(request, timeout=DEADLINE, metadata=tenant)).changed)

    return await operator.ask(ask)


async def uninstall(operator: Operator, pod: str) -> bool:
    """Uninstall one pod; True when it was installed."""

    async def ask(peers: Peers, tenant: tuple[tuple[str, str], ...]) -> bool:
        stub = pods_grpc.PodRegistryServiceStub(peers.channel(REGISTRY))
        request = pods_pb2.UninstallPodRequest(pod=pod)
        return bool((await stub.UninstallPod(request, timeout=DEADLINE, metadata=tenant)).changed)

    return await operator.ask(ask)


async def installed(operator: Operator) -> list[pods_pb2.InstalledPod]:
    """The installed pods."""

    async def ask(peers: Peers, tenant: tuple[tuple[str, str], ...]) -> list[pods_pb2.InstalledPod]:
        stub = pods_grpc.PodRegistryServiceStub(peers.channel(REGISTRY))
        return list((await stub.ListPods(pods_pb2.ListPodsRequest(), timeout=DEADLINE, metadata=tenant)).pods)

    return await operator.ask(ask)


async def install_all(operator: Operator, pods: list[Pod], check_alive: Callable[[], None]) -> None:
    """Install every manifest, the registry's own first; waits for the registry to answer."""
    for pod in sorted(pods, key=lambda pod: pod.name != REGISTRY):
        await patiently(partial(install, operator, pod), check_alive)


async def patiently(act: Callable[[], Awaitable[object]], check_alive: Callable[[], None]) -> None:
    """Do something once the pods it needs answer; StackError when they do not within a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await act()
        except MachiError as error:
            if not isinstance(error, Unavailable) or time.monotonic() > deadline:
                raise told(error) from error
        else:
            return
        check_alive()
        await asyncio.sleep(0.1)
