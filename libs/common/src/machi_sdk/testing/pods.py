"""A whole pod in the test's process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from machi_sdk.clock import Clock, SystemClock
from machi_sdk.manifest import Manifest
from machi_sdk.service import Assemble, Pod
from machi_sdk.settings import Settings
from machi_sdk.testing.waiting import wait_until


@asynccontextmanager
async def running_pod(
    assemble: Assemble, settings: Settings, manifest: Manifest, clock: Clock | None = None
) -> AsyncIterator[Pod]:
    """The pod, started and (when it can be, within 20 s) ready; drained at the end. Needs `announce_pods` before."""
    pod = Pod(settings, manifest, clock or SystemClock())
    await assemble(pod)
    await pod.start()
    try:
        await wait_until(lambda: not pod.health.troubles())
        yield pod
    finally:
        await pod.drain()
