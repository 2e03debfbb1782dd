"""Linking two channels of one person: a one-time code made on one, typed on the other."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# No B, I, L, O, S, U, Z, 0, 1, 5, 8: no two signs look or sound alike.
SIGNS = "234679ACDEFGHJKMNPQRTVWXY"
LENGTH = 8
CODES = len(SIGNS) ** LENGTH
LIFE = timedelta(minutes=10)
MOST_MISSES = 5
PAUSE = timedelta(minutes=10)
_TYPED = re.compile(r"(?<![0-9A-Z])([0-9A-Z]{4})[\s\-‐‑–—ー]?([0-9A-Z]{4})$")


class Refusal(StrEnum):
    """Why a typed code links nothing."""

    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"
    OWN = "own"
    ALREADY = "already"
    SAME_CHANNEL = "same-channel"
    TAKEN = "taken"
    PAUSED = "paused"


@dataclass(frozen=True)
class Offer:
    """A code that was made: whose it is, on which channel it was made, until when it counts."""

    citizen_id: str
    channel: str
    expires_at: datetime
    used: bool


@dataclass(frozen=True)
class Speaker:
    """Who speaks, and on which channel."""

    citizen_id: str
    channel: str


@dataclass(frozen=True)
class Misses:
    """Wrong codes of one person in a row; five of them are followed by a pause."""

    count: int = 0
    last_event: str = ""
    last_at: datetime | None = None
    paused_until: datetime | None = None

    def paused(self, now: datetime) -> bool:
        """Whether no code is looked at now."""
        return self.paused_until is not None and now < self.paused_until

    def missed(self, event_id: str, now: datetime) -> "Misses":
        """With one more; the same event again is none."""
        if event_id == self.last_event:
            return self
        recent = self.last_at is not None and now - self.last_at < PAUSE
        count = self.count + 1 if recent else 1
        if count < MOST_MISSES:
            return Misses(count, event_id, now)
        return Misses(0, event_id, now, now + PAUSE)


def code_of(payload: int) -> str:
    """The code of a random payload in [0, CODES)."""
    signs = ""
    for _ in range(LENGTH):
        payload, digit = divmod(payload, len(SIGNS))
        signs += SIGNS[digit]
    return signs


def shown(code: str) -> str:
    """The code as people read it."""
    return f"{code[:4]}-{code[4:]}"


def typed_code(text: str) -> str:
    """The code that what was typed ends with, whatever its width, case, and hyphen; empty when it ends with none."""
    found = _TYPED.search(unicodedata.normalize("NFKC", text).upper().rstrip(" \t\r\n。.!！?？"))
    return found[1] + found[2] if found else ""


def is_code(text: str, *, surely: bool = False) -> bool:
    """Whether what was typed is a code that could have been made, and nothing else; `surely`: and no word either."""
    code = typed_code(text)
    could_be = bool(code) and set(code) <= set(SIGNS) and len(text.strip()) <= LENGTH + 2
    return could_be and not (surely and code.isalpha())


def refusal_of(offer: Offer, speaker: Speaker, shared: Collection[str], now: datetime) -> Refusal | None:
    """Why the code links nothing; None when it does. `shared` are the channels that both people have."""
    if offer.used:
        return Refusal.USED
    if now >= offer.expires_at:
        return Refusal.EXPIRED
    same_channel = offer.channel == speaker.channel
    if offer.citizen_id == speaker.citizen_id:
        return Refusal.OWN if same_channel else Refusal.ALREADY
    if same_channel:
        return Refusal.SAME_CHANNEL
    return Refusal.TAKEN if shared else None
