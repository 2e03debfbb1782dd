"""Bulkheads: a hung pod takes its own places only, and is left alone for a moment after failing in a row.

A busy pod is not a hung one: a bounded number of calls waits a moment for a place before being put off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from machi_sdk.errors import Unavailable

FULL = "bulkhead-full"
_PLACES = 16
_QUEUE = 16
_QUEUE_SECONDS = 1.0
_FAILURES = 5
_REST_SECONDS = 1.0


class _Places:
    """The places of one pod, and how it has done of late."""

    def __init__(self, places: int) -> None:
        self.free = asyncio.Semaphore(places)
        self.waiting = 0
        self.failures = 0
        self.closed_until = 0.0

    async def take(self) -> None:
        """Take a place; Unavailable when the pod rests, or none comes free soon."""
        if asyncio.get_running_loop().time() < self.closed_until or self.waiting >= _QUEUE:
            raise Unavailable(FULL)
        self.waiting += 1
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self.free.acquire()
        except TimeoutError as error:
            raise Unavailable(FULL) from error
        finally:
            self.waiting -= 1

    def failed(self) -> None:
        """Another failure in a row; enough of them close the pod for a moment."""
        self.failures += 1
        if self.failures >= _FAILURES:
            self.closed_until = asyncio.get_running_loop().time() + _REST_SECONDS


class Bulkheads:
    """Places per target pod, and a breaker."""

    def __init__(self) -> None:
        self._pods: dict[str, _Places] = {}

    @asynccontextmanager
    async def enter(self, pod: str, at_once: int = _PLACES) -> AsyncIterator[None]:
        """Hold one of the pod's places; Unavailable when none comes free within a second, or the pod rests."""
        if pod not in self._pods:
            self._pods[pod] = _Places(at_once)
        places = self._pods[pod]
        await places.take()
        try:
            yield
        except Unavailable:
            places.failed()
            raise
        else:
            places.failures = 0
        finally:
            places.free.release()
