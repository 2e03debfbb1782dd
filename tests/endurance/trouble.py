"""A fault every few seconds, each healed by itself or by us before the next."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

Fault = Callable[[], Awaitable[None]]
_TIME_ALONE = itertools.count().__next__


class Trouble:
    """Makes one of the named faults at a time, chosen by a seed, until the block ends.

    None where `progress` has not moved since the last one: on a slow machine all would only ever be starting.
    """

    def __init__(
        self,
        faults: Mapping[str, Fault],
        every: float,
        seed: int,
        progress: Callable[[], int] = _TIME_ALONE,
    ) -> None:
        self._faults = dict(faults)
        self._every = every
        self._choice = random.Random(seed)
        self._progress = progress
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
        moved = self._progress()
        while not stopping.is_set():
            try:
                async with asyncio.timeout(self._every):
                    await stopping.wait()
            except TimeoutError:
                if self._progress() != moved:
                    await self._one()
                    moved = self._progress()

    async def _one(self) -> None:
        name = self._choice.choice(sorted(self._faults))
        await self._faults[name]()
        self.made[name] += 1
