"""What notifications asks of the world."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from machi_notifications.domain.delivery import Delivery, Held, State
from machi_notifications.domain.fact import Contact, News
from machi_notifications.domain.policy import Later
from machi_sdk.clock import Clock


class Cases(Protocol):
    """The pod that owns the reports."""

    async def words(self, tenant: str, report_id: str, update_id: str) -> str:
        """What the officer wrote in one update."""
        ...


class People(Protocol):
    """The pod that knows people."""

    async def contact(self, tenant: str, citizen_id: str) -> Contact:
        """Language and channel; an empty channel when the person is unknown or cannot be reached."""
        ...


class Letters(Protocol):
    """Turns news into a request that an adapter understands."""

    def write(self, news: News, delivery: Delivery, *, quiet: bool) -> bytes:
        """The request of a delivery, as it will leave."""
        ...


class Deliveries(Protocol):
    """The truth per message, of one tenant."""

    async def add(self, delivery: Delivery, held_request: bytes = b"") -> bool:
        """Enter a delivery, a held one with the present trace; False when it is known already."""
        ...

    async def conclude(self, delivery_id: str, state: State, reason: str, at: datetime) -> None:
        """Write what became of a delivery, never backwards; Missing when there is none."""
        ...

    async def held(self, thread: str) -> Later | None:
        """How long the last of a thread's held deliveries is held; None when none is."""
        ...

    async def due(self, now: datetime, count: int) -> Sequence[Held]:
        """Held deliveries whose time has come; none while another replica releases some."""
        ...

    async def release(self, delivery_id: str) -> None:
        """A held delivery is on its way."""
        ...


class Telling(Protocol):
    """One transaction of a use case."""

    clock: Clock
    tenant: str

    @property
    def deliveries(self) -> Deliveries:
        """The deliveries of the transaction's tenant."""
        ...

    def request(self, letter: bytes) -> None:
        """Let a request leave with this commit."""
        ...

    def end(self, delivery: Delivery) -> None:
        """Let it be known with this commit that it ended as its state says, and was never sent."""
        ...

    def then(self, call: Callable[[], None]) -> None:
        """Call this once the commit has succeeded."""
        ...
