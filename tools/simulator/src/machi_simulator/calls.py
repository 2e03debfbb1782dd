"""Every API request the platforms received, with its verdict."""

from typing import Literal

from pydantic import Field

from machi_simulator.journal import Document, Journal, Table

KEPT = 50_000
Verdict = Literal["accepted", "refused", "fault"]


class ApiCall(Document):
    """One request: what came, what became of it. `fault` means a planned fault decided the answer, not the rules."""

    at: float
    platform: Literal["line", "slack"]
    method: str
    path: str
    status: int
    verdict: Verdict
    reason: str = ""
    effect: bool = True
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, object] = Field(default_factory=dict)


class Calls:
    """The request log, oldest first."""

    def __init__(self, journal: Journal) -> None:
        self._table = Table(journal, "call", ApiCall)
        rows = self._table.values()
        self._next = int(rows[-1].id) + 1 if rows else 1

    def next_id(self) -> str:
        """A number for the next request, rising."""
        self._next += 1
        return str(self._next - 1)

    def add(self, call: ApiCall) -> None:
        """Note a request."""
        self._table.put(call)
        self._table.trim(KEPT)

    def all(self) -> list[ApiCall]:
        """All noted requests."""
        return self._table.values()
