"""Bulkheads: a hung pod takes its own places only, and is left alone for a moment after failing in a row."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from machi_sdk.errors import Unavailable

_PLACES = 16
_FAILURES = 5
_REST_SECONDS = 1.0


class Bulkheads:
    """Places per target pod, and a breaker."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = defaultdict(int)
        self._failures: dict[str, int] = defaultdict(int)
        self._closed_until: dict[str, float] = defaultdict(float)

    @asynccontextmanager
    async def enter(self, pod: str) -> AsyncIterator[None]:
        """Take one of the pod's places; Unavailable at once when all are taken or the pod rests."""
        now = asyncio.get_running_loop().time()
        if self._taken[pod] >= _PLACES or now < self._closed_until[pod]:
            raise Unavailable("bulkhead-full")
        self._taken[pod] += 1
        try:
            yield
        except Unavailable:
            self._failures[pod] += 1
            if self._failures[pod] >= _FAILURES:
                self._closed_until[pod] = asyncio.get_running_loop().time() + _REST_SECONDS
            raise
        else:
            self._failures[pod] = 0
        finally:
            self._taken[pod] -= 1
