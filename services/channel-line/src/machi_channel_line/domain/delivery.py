"""One message to one person, from request to the truth about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from machi_channel_line.domain.sending import key_alive


class End(StrEnum):
    """How a delivery ends."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Standing:
    """Where a delivery stands before an attempt."""

    version: int
    newest_sent: int
    send_before: datetime
    first_post_at: datetime | None


def settled(standing: Standing, now: datetime) -> tuple[End, str] | None:
    """The end that is reached without another attempt, and why; None when one is to be made."""
    tried = standing.first_post_at
    if now >= standing.send_before:
        return (End.UNKNOWN, "not-confirmed") if tried else (End.EXPIRED, "send-before")
    if tried is not None and not key_alive(tried, now):
        return End.UNKNOWN, "retry-key-too-old"
    if standing.version < standing.newest_sent:
        return (End.UNKNOWN, "not-confirmed") if tried else (End.SUPERSEDED, "newer-version-sent")
    return None


def pause(tries: int) -> timedelta:
    """How long to wait before the next attempt."""
    return timedelta(seconds=min(0.5 * 2 ** min(tries, 8), 60.0))
