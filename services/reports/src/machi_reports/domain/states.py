"""Where a report stands, who may move it from there, and what a move left behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from machi_reports.domain.conversation import Officer, Update


class State(StrEnum):
    """Where a report stands."""

    FILED = "filed"
    ACKNOWLEDGED = "acknowledged"
    ASKED = "asked"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    REOPENED = "reopened"
    DUPLICATE = "duplicate"


class Move(StrEnum):
    """What somebody did with a report."""

    FILE = "file"
    ACKNOWLEDGE = "acknowledge"
    TAKE = "take"
    ASSIGN = "assign"
    NOTE = "note"
    ASK = "ask"
    WRITE = "write"
    ANSWER = "answer"
    RESOLVE = "resolve"
    REJECT = "reject"
    UNREJECT = "unreject"
    HAND_OVER = "handover"
    RATE = "rate"
    REOPEN = "reopen"
    RETRACT = "retract"
    UNRATE = "unrate"
    EXPIRE = "expire"
    DUPLICATE = "duplicate"
    GATHER = "gather"
    REGROUP = "regroup"
    FOLLOW = "follow"
    PART = "part"
    REMIND = "remind"
    MISS = "miss"
    RENEW = "renew"


# With these a case comes to its end; the state says which one.
ENDING = frozenset({Move.RESOLVE, Move.REJECT, Move.DUPLICATE, Move.FOLLOW})
CLOSED_STATES = frozenset({State.RESOLVED, State.REJECTED, State.DUPLICATE})
ANY_STATE = frozenset(State)
OPEN_STATES = ANY_STATE - CLOSED_STATES

# A question may follow a closed case, and an answer may come late: both are kept, and the state stays.
ALLOWED: Mapping[Move, frozenset[State]] = {
    Move.ACKNOWLEDGE: frozenset({State.FILED, State.REOPENED}),
    Move.TAKE: OPEN_STATES,
    Move.ASSIGN: OPEN_STATES,
    Move.NOTE: ANY_STATE,
    Move.ASK: ANY_STATE,
    Move.WRITE: ANY_STATE,
    Move.ANSWER: ANY_STATE,
    Move.RESOLVE: OPEN_STATES,
    Move.REJECT: OPEN_STATES,
    Move.UNREJECT: frozenset({State.REJECTED}),
    Move.HAND_OVER: OPEN_STATES,
    Move.RATE: frozenset({State.RESOLVED}),
    Move.REOPEN: frozenset({State.RESOLVED, State.DUPLICATE}),
    Move.RETRACT: ANY_STATE,
    Move.UNRATE: frozenset({State.RESOLVED}),
    Move.EXPIRE: ANY_STATE,
    # The one that is closed, its leading case, and what follows when that one is closed, led by another, or left.
    Move.DUPLICATE: OPEN_STATES,
    Move.GATHER: ANY_STATE,
    Move.REGROUP: ANY_STATE,
    Move.FOLLOW: frozenset({State.DUPLICATE}),
    Move.PART: ANY_STATE,
    Move.REMIND: OPEN_STATES,
    Move.MISS: ANY_STATE,
    Move.RENEW: OPEN_STATES,
}


@dataclass(frozen=True)
class Step:
    """One change, as the history keeps it; `version` is the report's after it, `also` other desks that must see it."""

    move: Move
    state: State
    version: int
    at: datetime
    desk_id: str
    officer: Officer | None = None
    update: Update | None = None
    session_id: str = ""
    from_desk_id: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """The move counted."""

    step: Step


@dataclass(frozen=True)
class NotNow:
    """The report's state does not allow the move; nothing changed."""

    state: State


@dataclass(frozen=True)
class TooLate:
    """The move was possible until then; nothing changed."""

    until: datetime


Outcome = Done | NotNow | TooLate
