"""When people sleep: a daily window in one time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo


@dataclass(frozen=True)
class QuietHours:
    """From `start` (included) to `end` (not included), local time; across midnight when start is later than end."""

    start: time
    end: time
    zone: tzinfo

    def covers(self, at: datetime) -> bool:
        """Whether `at` lies in the window; equal ends mean that nothing does."""
        local = at.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def ends_after(self, at: datetime) -> datetime:
        """The first moment from `at` on that is not quiet, in UTC."""
        if not self.covers(at):
            return at.astimezone(UTC)
        today = at.astimezone(self.zone).date()
        # Where clocks change, an end happens twice or is skipped: try both readings, then the next day's.
        ends = (
            datetime.combine(today + timedelta(days=day), self.end, self.zone).replace(fold=fold).astimezone(UTC)
            for day in (0, 1, 2)
            for fold in (0, 1)
        )
        return next(end for end in ends if end > at and not self.covers(end))
