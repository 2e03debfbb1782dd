"""Whose events are due: one look at all that is open finds enough for many claims."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping


class Due:
    """The first due event of each person, queued per tenant; stale from `until` (seconds of the loop's clock)."""

    def __init__(self, found: Iterable[tuple[int, str]] = (), until: float = 0.0) -> None:
        self.until = until
        self._waiting: dict[str, deque[int]] = defaultdict(deque)
        for identifier, tenant in found:
            self._waiting[tenant].append(identifier)

    def take(self, count: int, under_way: Mapping[str, int]) -> list[int]:
        """Up to `count` of them: always of the tenant with the fewest under way, the oldest where several do."""
        held, taken = Counter(under_way), list[int]()
        while len(taken) < count and any(self._waiting.values()):
            _, _, tenant = min((held[each], ids[0], each) for each, ids in self._waiting.items() if ids)
            taken.append(self._waiting[tenant].popleft())
            held[tenant] += 1
        return taken
