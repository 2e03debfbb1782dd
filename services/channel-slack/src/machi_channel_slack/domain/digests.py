"""Many new cards at once: one message with a line for each, until each has its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MOST_LINES = 20
# Who looks up each ten seconds misses nothing, and a channel gets at most six lists a minute.
ROUND = timedelta(seconds=10)
WINDOW = timedelta(minutes=1)
# Time to open what matters first, before the rest comes by itself.
CALM_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class FloodRule:
    """How many new cards of a desk within a minute are too many, and how far apart those nobody opened follow."""

    cards: int = 30
    calm: timedelta = timedelta(seconds=30)


@dataclass(frozen=True)
class Tide:
    """A desk's new cards: how many wait, since when the oldest does, and how many came within the last minute."""

    waiting: int
    oldest: datetime | None
    arrived: int

    def is_flood(self, rule: FloodRule) -> bool:
        """Whether new cards go into digests."""
        return max(self.waiting, self.arrived) > rule.cards

    def is_due(self, now: datetime) -> bool:
        """Whether the next digest is made now: it is full, or somebody has waited a round."""
        return self.waiting >= MOST_LINES or (self.oldest is not None and now - self.oldest >= ROUND)


class DigestKind(StrEnum):
    """Why a list was made: too many new cards at once, or a morning."""

    FLOOD = "flood"
    SUMMARY = "summary"


@dataclass(frozen=True)
class DigestKey:
    """One digest."""

    tenant: str
    digest_id: str


@dataclass(frozen=True)
class DigestState:
    """What is known of a digest's message; `attempted_at` without `ts` = a post whose end is not known.

    `more` cards belong into it and found no place.
    """

    key: DigestKey
    desk_id: str
    channel_id: str
    ts: str
    attempted_at: datetime | None
    kind: DigestKind
    more: int
    wanted: int
    shown: int
    tries: int


@dataclass(frozen=True)
class Summary:
    """What a pod said of a desk's morning."""

    desk_id: str
    pod: str
    day: str
    card_ids: Sequence[str]
    more: int


@dataclass(frozen=True)
class LineText:
    """What a line says; kept, so that a digest is changed without asking for twenty cards."""

    number: str
    brief: str
    opened_at: datetime
    opened_ago: str


@dataclass(frozen=True)
class DigestLine:
    """A card in a digest: `held` or `is_due` until it has a message of its own, which is then `ts` in `channel_id`."""

    card_id: str
    pod: str
    held: bool
    is_due: bool
    channel_id: str
    ts: str
    link: str
    text: LineText | None
