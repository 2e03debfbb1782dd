"""What LINE made of a request, and what to do next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

TOKEN_LIFE = timedelta(seconds=50)
KEY_LIFE = timedelta(hours=23)


@dataclass(frozen=True)
class Accepted:
    """LINE has it, from this request or from an earlier one with the same retry key."""


@dataclass(frozen=True)
class NotTaken:
    """Surely not accepted, but worth trying again: too many requests, or never connected."""

    reason: str


@dataclass(frozen=True)
class Unclear:
    """Accepted or not, nobody knows: a timeout, a lost connection, an error of LINE's."""

    reason: str


@dataclass(frozen=True)
class TokenSpent:
    """The reply token was used or is too old."""


@dataclass(frozen=True)
class Refused:
    """LINE will never take this request."""

    reason: str


Outcome = Accepted | NotTaken | Unclear | TokenSpent | Refused


def judge(status: int, message: str) -> Outcome:
    """The outcome that an HTTP answer of LINE's stands for."""
    if status < 300 or status == 409:
        return Accepted()
    if status == 429:
        return NotTaken("platform-429")
    if status >= 500:
        return Unclear(f"platform-{status}")
    if status == 400 and "invalid reply token" in message.casefold():
        return TokenSpent()
    return Refused(f"platform-{status}")


def token_fresh(received_at: datetime, now: datetime) -> bool:
    """Whether a reply token may still be used."""
    return now - received_at < TOKEN_LIFE


def key_alive(first_post_at: datetime, now: datetime) -> bool:
    """Whether LINE surely still knows a retry key first used then."""
    return now - first_post_at < KEY_LIFE
