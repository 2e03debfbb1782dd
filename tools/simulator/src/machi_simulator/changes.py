"""Tells open pages that something changed."""

import asyncio


class Changes:
    """A counter that can be waited for."""

    def __init__(self) -> None:
        self.version = 0
        self._moved = asyncio.Event()

    def notify(self) -> None:
        """Something a page may show has changed."""
        self.version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def beyond(self, version: int, wait: float) -> int:
        """The version once it is above `version`, or the same after `wait` seconds."""
        if self.version == version:
            try:
                await asyncio.wait_for(self._moved.wait(), wait)
            except TimeoutError:
                return self.version
        return self.version
