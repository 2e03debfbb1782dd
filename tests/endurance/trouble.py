"""A fault every few seconds, each healed by itself or by us before the next."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

Fault = Callable[[], Awaitable[None]]


class Trouble:
    """Makes one of the named faults at a time, chosen by a seed, until the block ends."""

    def __init__(self, faults: Mapping[str, Fault], every: float, seed: int) -> None:
        self._faults = dict(faults)
        self._every = every
        self._choice = random.Random(seed)
        self.made: Counter[str] = Counter()

    def spare(self, names: Iterable[str]) -> None:
        """Make these faults no more."""
        for name in names:
            self._faults.pop(name, None)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Faults inside the block; the last one is healed when it ends, and one that could not be made is raised."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self._make(stopping))
        try:
            yield
        finally:
            stopping.set()
            await task

    async def _make(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                async with asyncio.timeout(self._every):
                    await stopping.wait()
            except TimeoutError:
                name = self._choice.choice(sorted(self._faults))
                await self._faults[name]()
                self.made[name] += 1
