"""What a check has to say."""

from dataclasses import dataclass, field
from typing import TypedDict


class Finding(TypedDict):
    """One thing that is wrong, a line each."""

    what: str
    cure: str


@dataclass
class Look:
    """What was seen in one place: what is wrong, and what cannot be known from here."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wrong(self, what: str, cure: str) -> None:
        """Something is wrong."""
        self.findings.append(Finding(what=what, cure=cure))

    def note(self, words: str) -> None:
        """Something cannot be known, or is worth knowing."""
        self.notes.append(words)
