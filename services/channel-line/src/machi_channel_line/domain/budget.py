"""LINE allows a hundred changes of rich menus an hour; a margin is kept."""

from collections import deque
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


class HourlyBudget:
    """Counts changes within the last hour."""

    def __init__(self, most: int = 90) -> None:
        self._most = most
        self._spent: deque[datetime] = deque()

    def take(self, count: int, now: datetime) -> bool:
        """Spend `count` changes at once; False when the hour has no room for them."""
        while self._spent and now - self._spent[0] >= HOUR:
            self._spent.popleft()
        if len(self._spent) + count > self._most:
            return False
        self._spent.extend([now] * count)
        return True
