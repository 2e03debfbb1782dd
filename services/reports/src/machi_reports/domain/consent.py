"""What people decide about messages on their cases."""

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """What a person decided about a purpose.

    NONE: nothing that still counts. UNREACHABLE: they said yes, and no channel reaches them now. UNKNOWN: identity
    does not answer, and they were never asked here.
    """

    NONE = "none"
    GIVEN = "given"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"

    @property
    def silent(self) -> bool:
        """Whether no words reach the person now."""
        return self in (Decision.NONE, Decision.REFUSED, Decision.UNREACHABLE)


@dataclass(frozen=True)
class Chooser:
    """Who decides, with which message, on which channel."""

    tenant: str
    citizen_id: str
    event_id: str
    channel: str
