"""When a message was written: Slack's `ts`, which is its name within a channel, too."""

from datetime import UTC, datetime, timedelta

# How far Slack's clock and ours may be apart.
SKEW = timedelta(minutes=10)


def moment_of(ts: str) -> datetime | None:
    """The moment that a `ts` stands for; None when it is none."""
    try:
        seconds = float(ts)
    except ValueError:
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1e11 else None
