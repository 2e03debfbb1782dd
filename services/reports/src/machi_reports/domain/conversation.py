"""What was said about a case, by whom."""

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
    REMINDER = "reminder"


FROM_OFFICER = frozenset(
    {UpdateKind.QUESTION, UpdateKind.MESSAGE, UpdateKind.NOTE, UpdateKind.REASON, UpdateKind.HANDOVER}
)


@dataclass(frozen=True)
class Officer:
    """Who acts for the city."""

    staff_id: str
    name: str


@dataclass(frozen=True)
class Update:
    """One entry; a retracted one keeps its place and loses its text. `event_id` is the message it came with."""

    update_id: str
    kind: UpdateKind
    text: str
    at: datetime
    officer: Officer | None = None
    event_id: str = ""
    retracted: bool = False
