"""After the pods started: installs their manifests, with an operator's credential."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from machi.pods.v1 import pod_registry_service_pb2 as pods_pb2
from machi.pods.v1 import pod_registry_service_pb2_grpc as pods_grpc
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.rpc import Peers
from machi_tools.operator import DEADLINE, Operator, told

Answer = TypeVar("Answer")
REGISTRY = "identity"
PATIENCE_SECONDS = 60.0


async def install(operator: Operator, manifest: str) -> bool:
    """Install one manifest (a service.yaml's text); True when it was new or different."""
    request = pods_pb2.InstallPodRequest(manifest_yaml=manifest)

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


async def install_all(
    operator: Operator,
    manifests: Mapping[str, str],
    check_alive: Callable[[], None],
    patience: float = PATIENCE_SECONDS,
) -> list[str]:
    """Install every manifest, the registry's own first; waits for the registry to answer. Those that were new."""
    names = sorted(manifests, key=lambda name: (name != REGISTRY, name))
    return [
        name for name in names if await patiently(partial(install, operator, manifests[name]), check_alive, patience)
    ]


async def patiently(
    act: Callable[[], Awaitable[Answer]], check_alive: Callable[[], None], patience: float = PATIENCE_SECONDS
) -> Answer:
    """Do something once the pods it needs answer; StackError when they do not in time."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return await act()
        except MachiError as error:
            if not isinstance(error, Unavailable) or time.monotonic() > deadline:
                raise told(error) from error
        check_alive()
        await asyncio.sleep(0.1)
