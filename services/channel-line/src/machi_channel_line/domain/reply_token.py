"""A reply token works once, and for about a minute."""

from datetime import datetime, timedelta

TOKEN_LIFE = timedelta(seconds=50)


def token_fresh(received_at: datetime, now: datetime) -> bool:
    """Whether a reply token may still be used."""
    return now - received_at < TOKEN_LIFE
