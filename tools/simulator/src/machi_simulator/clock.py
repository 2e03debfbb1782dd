"""The time the simulated platforms live in; tests move it forward instead of waiting."""

import time


class Clock:
    """Seconds since the epoch, plus what was skipped."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self._stopped: float | None = None

    @property
    def skipped(self) -> float:
        """How far ahead of the real time the platforms are."""
        return self._skipped

    def now(self) -> float:
        """Seconds since the epoch as the platforms see them."""
        return (self._stopped or time.time()) + self._skipped

    def now_ms(self) -> int:
        """The same in whole milliseconds."""
        return int(self.now() * 1000)

    def stop(self, *, stopped: bool) -> None:
        """Hold the time, or let it go on from the real one."""
        self._stopped = time.time() if stopped else None

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._skipped += seconds
