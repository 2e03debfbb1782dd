"""When a case is older than it should be, in a city's own working days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from machi_reports.domain.states import OPEN_STATES, State

# A city that never works would be asked for ever.
_LONGEST_DAYS = 1000


class Target(StrEnum):
    """What a desk is reminded to do."""

    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"


WAITING: Mapping[Target, frozenset[State]] = {
    Target.ACKNOWLEDGE: frozenset({State.FILED, State.REOPENED}),
    Target.CLOSE: OPEN_STATES,
}


@dataclass(frozen=True)
class Hours:
    """After how many hours of working days (a working day has 24) a desk is reminded."""

    acknowledge: int
    close: int

    def of(self, target: Target) -> int:
        """The hours for a target."""
        return self.acknowledge if target is Target.ACKNOWLEDGE else self.close


@dataclass(frozen=True)
class Reminding:
    """A city's targets and its days of work (Monday is 1); `closed_days` are holidays."""

    normal: Hours = Hours(acknowledge=24, close=120)
    urgent: Hours = Hours(acknowledge=4, close=48)
    working_days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    closed_days: frozenset[date] = field(default_factory=frozenset)
    summary_at: time = time(9, 0)

    def hours(self, target: Target, *, urgent: bool) -> int:
        """After how many hours of working days."""
        return (self.urgent if urgent else self.normal).of(target)

    def is_working(self, day: date) -> bool:
        """Whether city hall works on that day."""
        return day.isoweekday() in self.working_days and day not in self.closed_days

    def summary_day(self, now: datetime, time_zone: str) -> date | None:
        """The day whose summary is due; None on days without work, and before the hour."""
        local = now.astimezone(ZoneInfo(time_zone))
        return local.date() if self.is_working(local.date()) and local.time() >= self.summary_at else None

    def before(self, now: datetime, hours: int, time_zone: str) -> datetime:
        """What began before that moment is older than so many hours of working days."""
        zone = ZoneInfo(time_zone)
        left, moment = timedelta(hours=hours), now
        for _ in range(_LONGEST_DAYS):
            day = (moment - timedelta(microseconds=1)).astimezone(zone).date()
            begins = datetime.combine(day, time(), zone).astimezone(now.tzinfo)
            if self.is_working(day):
                if moment - begins >= left:
                    return moment - left
                left -= moment - begins
            moment = begins
        return moment
