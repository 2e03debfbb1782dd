"""How the memory of long-lived processes grows with the work done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

import psutil

_MEGABYTE = 1024 * 1024
# The first of a process's life, until its caches and pools are filled, says nothing about leaks.
_WARM_UP = 0.4


@dataclass
class Memory:
    """Resident megabytes of processes by what had been done by then; a process that was started anew begins anew."""

    _lives: dict[tuple[str, int], list[tuple[int, float]]] = field(default_factory=dict)

    def sample(self, done: int, pids: Mapping[str, int]) -> None:
        """Look at every process once."""
        for name, pid in pids.items():
            try:
                resident = psutil.Process(pid).memory_info().rss / _MEGABYTE
            except psutil.NoSuchProcess:
                continue
            self._lives.setdefault((name, pid), []).append((done, resident))

    def slopes(self, unit: int) -> dict[str, float]:
        """Megabytes that each process grew per `unit` of work, over its longest life and without its warm-up.

        A life of less than two units says nothing.
        """
        longest: dict[str, list[tuple[int, float]]] = {}
        for (name, _), life in self._lives.items():
            if _length(life) > _length(longest.get(name, [])):
                longest[name] = life
        long = {name: _warm(life) for name, life in longest.items() if _length(life) >= 2 * unit}
        return {name: round(_slope(life) * unit, 2) for name, life in long.items()}

    def highest(self) -> dict[str, float]:
        """The most that a process of each name held, in megabytes."""
        found: dict[str, float] = {}
        for (name, _), life in self._lives.items():
            found[name] = round(max([found.get(name, 0.0), *(resident for _, resident in life)]), 1)
        return found


def growing(slopes: Mapping[str, float], most: float) -> list[str]:
    """What is wrong: each process that grew more than `most` megabytes per unit."""
    return [f"{name} grows {slope} MB, at most {most} are allowed" for name, slope in slopes.items() if slope > most]


def _length(life: list[tuple[int, float]]) -> int:
    return life[-1][0] - life[0][0] if life else 0


def _warm(life: list[tuple[int, float]]) -> list[tuple[int, float]]:
    start = life[0][0] + _length(life) * _WARM_UP
    return [sample for sample in life if sample[0] >= start]


def _slope(samples: list[tuple[int, float]]) -> float:
    """The median slope between any two samples: a buffer that grows once moves it little, a leak fully."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(samples, 2) if b[0] > a[0]]
    return median(slopes) if slopes else 0.0
