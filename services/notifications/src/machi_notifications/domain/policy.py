"""What the municipality decided about messages: which facts are told, at what hours, until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from machi_notifications.domain.quiet_hours import QuietHours


class AtNight(Enum):
    """What quiet hours do to a message."""

    SOUND = "sound"
    QUIET = "quiet"
    HOLD = "hold"


@dataclass(frozen=True)
class Rule:
    """How one kind of fact is told."""

    at_night: AtNight
    send_within: timedelta


@dataclass(frozen=True)
class Now:
    """Send at once; `quiet` = without sound."""

    send_before: datetime
    quiet: bool


@dataclass(frozen=True)
class Later:
    """Hold until the quiet hours end."""

    send_before: datetime
    until: datetime


@dataclass(frozen=True)
class TooLate:
    """The fact is too old to be news."""

    send_before: datetime


Decision = Now | Later | TooLate


def behind(decision: Decision, held: Later | None) -> Decision:
    """What is decided while something older of the same thread is held: it leaves with that, and is news as long.

    A newer message that left first would end the older one unsent.
    """
    if held is None or isinstance(decision, TooLate):
        return decision
    until = decision.until if isinstance(decision, Later) else held.until
    return Later(max(decision.send_before, held.send_before), max(until, held.until))


@dataclass(frozen=True)
class Policy:
    """One tenant's policy; a fact without a rule is told to nobody."""

    quiet_hours: QuietHours | None
    rules: Mapping[str, Rule]

    def tells(self, cause: str) -> bool:
        """Whether anybody is told about this kind of fact."""
        return cause in self.rules

    def decide(self, cause: str, occurred_at: datetime, now: datetime) -> Decision:
        """When a fact is told; KeyError for one that nobody is told about."""
        rule = self.rules[cause]
        send_before = occurred_at + rule.send_within
        if now >= send_before:
            return TooLate(send_before)
        night = self.quiet_hours is not None and self.quiet_hours.covers(now)
        if not night or rule.at_night is AtNight.SOUND:
            return Now(send_before, quiet=False)
        if rule.at_night is AtNight.QUIET:
            return Now(send_before, quiet=True)
        assert self.quiet_hours is not None
        until = self.quiet_hours.ends_after(now)
        return Later(send_before, until) if until < send_before else TooLate(send_before)
