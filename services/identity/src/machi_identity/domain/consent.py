"""What a person allows: decisions, notices, and which decision is in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Citizens whose consent one question may be about.
MOST_AT_ONCE = 500


class Status(StrEnum):
    """Status words of the W3C Data Privacy Vocabulary; UNKNOWN = not asked under a notice still in use."""

    UNKNOWN = "unknown"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Decision:
    """What a person says about one purpose; `event_id` names the act and makes a retry harmless."""

    event_id: str
    citizen_id: str
    purpose: str
    notice_version: int
    status: Status
    channel: str


@dataclass(frozen=True)
class LedgerEntry:
    """One line of the ledger; `version` counts the citizen's decisions about the purpose."""

    receipt_id: str
    decision: Decision
    decided_at: datetime
    version: int


@dataclass(frozen=True)
class Standing:
    """The latest decision as it counts now."""

    status: Status
    notice_version: int = 0
    decided_at: datetime | None = None


@dataclass(frozen=True)
class Notice:
    """What a person is told before deciding, one version, per language."""

    purpose: str
    version: int
    pod: str
    title: Mapping[str, str]
    benefit: Mapping[str, str]
    text: Mapping[str, str]


def in_force(latest: Status, *, notice_installed: bool) -> Status:
    """The status that counts now: consent ends with the notice it was given under, a "no" never does."""
    return Status.UNKNOWN if latest is Status.GIVEN and not notice_installed else latest


def answers_notice(decision: Decision, current_version: int | None) -> bool:
    """Whether the decision may stand: a withdrawal always may, the others answer the present notice only."""
    return decision.status is Status.WITHDRAWN or decision.notice_version == current_version


def belongs_to(purpose: str, pod: str) -> bool:
    """Whether the purpose is that pod's: its name begins with the pod's."""
    return purpose.startswith(f"{pod}.")


def may_decide(pod: str, decision: Decision) -> bool:
    """Whether a pod may bring the decision: about its own purposes any, about another's a withdrawal only."""
    return decision.status is Status.WITHDRAWN or belongs_to(decision.purpose, pod)
