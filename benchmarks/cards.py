"""From a resident's last "yes" to the card at the desk: LINE → Kafka → turn → Kafka → Slack."""

import asyncio
import os
import re
import time
from collections.abc import Callable
from typing import TypeVar

from benchmarks.load import Load, event, texted
from benchmarks.platform_stub import PlatformStub

T = TypeVar("T")
# A pin in each of four wards, whose desks have channels of their own: Slack takes one message a second for each.
_PINS = ((33.5903, 130.4207), (33.5890, 130.3930), (33.5610, 130.4260), (33.6500, 130.4200))
_WORDS_BEFORE = ("通報", "1", "2")
_WORDS_AFTER = ("スキップ", "歩道に穴があいています。", "はい")
_NUMBER = re.compile(rb"[A-Z]{2}-[A-Z0-9]{4}-[A-Z0-9]{4}")
_PATIENCE = 30.0


class Reporters:
    """Residents who file one report each."""

    def __init__(self, load: Load, stub: PlatformStub) -> None:
        self._load = load
        self._stub = stub

    async def latencies(self, people: int, rate: float) -> list[float]:
        """Seconds from the last webhook to the card, for each of `people` who confirm at `rate` a second."""
        users = ["U" + os.urandom(16).hex() for _ in range(people)]
        async with asyncio.TaskGroup() as group:
            for index, user in enumerate(users):
                group.create_task(self._to_confirm(user, _PINS[index % len(_PINS)]))
        started = time.perf_counter()
        tasks = []
        for index, user in enumerate(users):
            await asyncio.sleep(max(0.0, started + index / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(self._confirm(user)))
        return list(await asyncio.gather(*tasks))

    async def _to_confirm(self, user: str, pin: tuple[float, float]) -> None:
        for words in _WORDS_BEFORE:
            await self._say(user, texted(words))
        await self._say(user, {"id": "1", "type": "location", "latitude": pin[0], "longitude": pin[1]})
        for words in _WORDS_AFTER:
            await self._say(user, texted(words))

    async def _confirm(self, user: str) -> float:
        began = time.perf_counter()
        found = _NUMBER.search(await self._say(user, texted("はい")))
        if found is None:
            raise SystemExit("the report was not filed")
        number = found.group().decode()
        return await self._until(lambda: next((at for at, body in self._stub.posted if number in body), None)) - began

    async def _say(self, user: str, message: dict[str, object]) -> bytes:
        """Send one message; the body of its reply."""
        event_id = os.urandom(13).hex()
        await self._load.send(event(event_id, user, message))
        return (await self._until(lambda: self._stub.replied.get(event_id)))[1]

    async def _until(self, look: Callable[[], T | None]) -> T:
        deadline = time.perf_counter() + _PATIENCE
        while time.perf_counter() < deadline:
            found = look()
            if found is not None:
                return found
            await asyncio.sleep(0.002)
        raise SystemExit("no answer within 30 s")
