"""What people decide about messages on their cases."""

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """What a person decided about a purpose; UNREACHABLE: they said yes, and no channel reaches them now."""

    NONE = "none"
    GIVEN = "given"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Chooser:
    """Who decides, with which message, on which channel."""

    tenant: str
    citizen_id: str
    event_id: str
    channel: str
