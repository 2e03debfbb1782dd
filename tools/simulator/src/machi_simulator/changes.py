"""Tells open pages that something changed."""

import asyncio


class Changes:
    """A counter that can be waited for."""

    def __init__(self) -> None:
        self.version = 0
        self._moved = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Nobody waits any more."""
        self._closed = True
        self._moved.set()

    def notify(self) -> None:
        """Something a page may show has changed."""
        self.version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def beyond(self, version: int, wait: float) -> int:
        """The version once it is above `version`, or the same after `wait` seconds."""
        if self.version == version and not self._closed:
            try:
                await asyncio.wait_for(self._moved.wait(), wait)
            except TimeoutError:
                return self.version
        return self.version
