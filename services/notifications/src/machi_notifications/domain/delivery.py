"""The life of one message to one person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TOO_OLD = "too-old"
# What is older was read again, as by a pod whose database is new: what became of it then is not known here.
HISTORY = timedelta(days=14)


class State(StrEnum):
    """Where a message stands."""

    HELD = "held"
    REQUESTED = "requested"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


_ORDER = {State.HELD: 0, State.REQUESTED: 1, State.UNKNOWN: 2}
_END = 3


def before(state: State) -> frozenset[State]:
    """The states a message may come from to reach `state`; ends are never left, nothing goes back."""
    reached = _ORDER.get(state, _END)
    return frozenset(each for each, order in _ORDER.items() if order < reached)


@dataclass(frozen=True)
class Delivery:
    """What the city can say about one message."""

    delivery_id: str
    citizen_id: str
    channel: str
    cause: str
    thread: str
    version: int
    state: State
    reason: str
    requested_at: datetime
    send_before: datetime
    held_until: datetime | None = None
    concluded_at: datetime | None = None


@dataclass(frozen=True)
class Held:
    """A message whose time has come: its request as it will leave, and the trace of the fact it tells."""

    delivery: Delivery
    letter: bytes
    trace: Mapping[str, str]
