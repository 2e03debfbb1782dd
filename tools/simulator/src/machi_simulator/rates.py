"""How often a client may call."""

import math

from machi_simulator.clock import Clock


class Rates:
    """Token buckets by key; a bucket is full at the start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str, per_second: float, burst: float) -> int:
        """Zero if the call is allowed, else the whole seconds to wait."""
        now = self._clock.now()
        level, since = self._buckets.get(key, (burst, now))
        level = min(burst, level + (now - since) * per_second)
        if level < 1:
            self._buckets[key] = (level, now)
            return max(1, math.ceil((1 - level) / per_second))
        self._buckets[key] = (level - 1, now)
        return 0
