"""What was said about a case, by whom."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class UpdateKind(StrEnum):
    """What one piece of a case's conversation is."""

    WORDS = "words"
    QUESTION = "question"
    MESSAGE = "message"
    ANSWER = "answer"
    NOTE = "note"
    REASON = "reason"
    HANDOVER = "handover"
    RATING = "rating"
    REOPENING = "reopening"
    ASSIGNMENT = "assignment"
    INTERNAL = "internal"
    DUPLICATE = "duplicate"
    GATHERED = "gathered"
    PARTED = "parted"
    REMINDER = "reminder"
    UNDELIVERED = "undelivered"


# What an officer wrote for the reporter; everything else an officer leaves stays inside the city.
FOR_REPORTER = frozenset({UpdateKind.QUESTION, UpdateKind.MESSAGE, UpdateKind.NOTE, UpdateKind.REASON})
_INSIDE = {UpdateKind.HANDOVER, UpdateKind.ASSIGNMENT, UpdateKind.INTERNAL, UpdateKind.DUPLICATE, UpdateKind.GATHERED}
FROM_OFFICER = FOR_REPORTER | _INSIDE
# With these a case ends; nobody waits for an answer to what was asked before.
ENDING = frozenset({UpdateKind.NOTE, UpdateKind.REASON, UpdateKind.DUPLICATE})


# The roles that work cases; every other role only looks.
MAY_ACT = frozenset({"officer", "lead"})


@dataclass(frozen=True)
class Officer:
    """Who acts for the city."""

    staff_id: str
    name: str


@dataclass(frozen=True)
class Update:
    """One entry; a retracted one keeps its place and loses its text. `event_id` is the message it came with.

    An assignment's text is the id of the member of staff, that of a link between cases the other one's case number;
    a hand-over names the desk it came from, an answer the question that it was given to. An undelivered message's text
    is the moment it is of; `unsent` words are for a reporter who received no messages when they were written.
    """

    update_id: str
    kind: UpdateKind
    text: str
    at: datetime
    officer: Officer | None = None
    event_id: str = ""
    retracted: bool = False
    from_desk_id: str = ""
    question_id: str = ""
    unsent: bool = False


def is_answered(question: Update, entries: Sequence[Update]) -> bool:
    """Whether an answer to that question stands; one that was taken back does not."""
    return any(entry.question_id == question.update_id and not entry.retracted for entry in entries)


def open_questions(entries: Sequence[Update]) -> list[Update]:
    """What the reporter was asked since the case last ended, and has not answered, in the order of the entries."""
    asked = [entry for entry in _since(entries, ENDING) if entry.kind is UpdateKind.QUESTION]
    return [entry for entry in asked if not is_answered(entry, entries)]


def is_rated(entries: Sequence[Update]) -> bool:
    """Whether a rating stands that was given since the case was last reopened; one that was taken back does not."""
    since = _since(entries, {UpdateKind.REOPENING})
    return any(entry.kind is UpdateKind.RATING and not entry.retracted for entry in since)


def _since(entries: Sequence[Update], kinds: Set[UpdateKind]) -> Sequence[Update]:
    """What was said after the last entry of these kinds; all of it without one."""
    found = [index for index, entry in enumerate(entries) if entry.kind in kinds]
    return entries[found[-1] + 1 :] if found else entries
