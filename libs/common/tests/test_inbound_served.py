"""A tenant whose channel is off keeps what was accepted, one that has none any more is not answered."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from machi_sdk.errors import Unavailable
from machi_sdk.inbound import PendingEvent, ServedOnly


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


Mark = Callable[..., Awaitable[None]]


def pending(tenant: str, age: timedelta, mark: Mark) -> PendingEvent:
    """An event that came so long ago."""
    return cast("PendingEvent", SimpleNamespace(tenant=tenant, age=age, mark=mark))


async def test_events_of_a_channel_that_is_off_wait_and_of_one_that_is_gone_end() -> None:
    handler, ended = Handler(), []

    async def mark(*end: str) -> None:
        ended.append(end)

    doors = ServedOnly(handler, {"fukuoka"}, {"kobe"})
    events = [pending(tenant, timedelta(minutes=16), mark) for tenant in ("kobe", "fukuoka", "naha")]
    for event in events:
        doors.foresee(event)
        await doors.say_waiting(event)
    kobe, fukuoka, naha = events
    await doors.handle(fukuoka)
    with pytest.raises(Unavailable, match="channel-off"):
        await doors.handle(kobe)
    assert handler.asked == ["foresee fukuoka", "say fukuoka", "handle fukuoka"]
    await doors.handle(naha)
    assert ended == [("ignored", "no-channel")]


async def test_events_of_a_channel_that_a_newer_replica_may_have_wait_for_it() -> None:
    ended = []

    async def mark(*end: str) -> None:
        ended.append(end)

    doors = ServedOnly(Handler(), {"fukuoka"}, set())
    with pytest.raises(Unavailable, match="channel-not-here"):
        await doors.handle(pending("naha", timedelta(minutes=14), mark))
    assert ended == []
