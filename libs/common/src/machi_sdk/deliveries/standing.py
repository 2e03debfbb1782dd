"""Where one message to one person stands, from request to the truth about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

KEY_LIFE = timedelta(hours=23)


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


def key_alive(first_post_at: datetime, now: datetime) -> bool:
    """Whether an attempt first made then can be repeated without reaching the person twice."""
    return now - first_post_at < KEY_LIFE


def pause(tries: int) -> timedelta:
    """How long to wait before the next attempt."""
    return timedelta(seconds=min(0.5 * 2 ** min(tries, 8), 60.0))
