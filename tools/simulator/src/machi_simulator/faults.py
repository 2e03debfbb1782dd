"""Faults on command: what the platforms sometimes do to a client, a given number of times."""

from fnmatch import fnmatchcase
from typing import Literal
from uuid import uuid4

from pydantic import Field

from machi_simulator.journal import Document, Journal, Table

ApiFault = Literal["status", "slow", "reset", "accept_then_hang", "accept_then_reset"]
WebhookFault = Literal["lost", "drop_try", "duplicate", "delay"]


class Fault(Document):
    """One fault. `path` is a pattern over `/line/…`, `/line-data/…`, `/slack/…` or `webhook/line`, `webhook/slack/…`.

    API kinds: `status` answers with `status` before any effect; `slow` waits `ms` first; `reset` cuts the connection
    before any effect; `accept_then_hang` has its effect and answers after `ms` (0: never); `accept_then_reset` has its
    effect and cuts. Webhook kinds: `lost` the platform believes it was delivered; `drop_try` this try fails on its way;
    `duplicate` delivered twice; `delay` waits `ms` first.
    """

    id: str = Field(default_factory=lambda: uuid4().hex[:12])
    path: str
    kind: ApiFault | WebhookFault
    status: int = 500
    retry_after: int = 1
    ms: int = 0
    count: int = 1
    skip: int = 0
    taken: int = 0


class Faults:
    """The faults still to come; the first that matches is taken."""

    def __init__(self, journal: Journal) -> None:
        self._table = Table(journal, "fault", Fault)

    def add(self, fault: Fault) -> Fault:
        """Plan a fault."""
        return self._table.put(fault)

    def planned(self) -> list[Fault]:
        """All faults, spent ones too."""
        return self._table.values()

    def remove(self, key: str) -> None:
        """Forget one fault, if it is planned."""
        self._table.remove(key)

    def clear(self) -> None:
        """Forget every fault."""
        for fault in self._table.values():
            self._table.remove(fault.id)

    def take(self, path: str) -> Fault | None:
        """The fault due for this path now, if any; it counts as taken."""
        for fault in self._table.values():
            if fault.taken >= fault.count or not fnmatchcase(path, fault.path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                self._table.put(fault)
                continue
            fault.taken += 1
            return self._table.put(fault)
        return None
