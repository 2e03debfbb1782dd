"""A tenant whose channel is off keeps what was accepted; the others go on."""

from types import SimpleNamespace
from typing import cast

import pytest

from machi_sdk.errors import Unavailable
from machi_sdk.inbound import PendingEvent, WhileOff


class Handler:
    """Remembers what it was asked, and of whom."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def foresee(self, event: PendingEvent) -> None:
        self.asked.append(f"foresee {event.tenant}")

    async def handle(self, event: PendingEvent) -> None:
        self.asked.append(f"handle {event.tenant}")

    async def say_waiting(self, event: PendingEvent) -> None:
        self.asked.append(f"say {event.tenant}")


async def test_events_of_a_channel_that_is_off_wait() -> None:
    handler = Handler()
    doors = WhileOff(handler, {"kobe"})
    kobe, fukuoka = (cast("PendingEvent", SimpleNamespace(tenant=tenant)) for tenant in ("kobe", "fukuoka"))
    for event in (kobe, fukuoka):
        doors.foresee(event)
        await doors.say_waiting(event)
    await doors.handle(fukuoka)
    with pytest.raises(Unavailable, match="channel-off"):
        await doors.handle(kobe)
    assert handler.asked == ["foresee fukuoka", "say fukuoka", "handle fukuoka"]
