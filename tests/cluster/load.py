"""Residents who report one thing after another, whatever happens to the city, and what the stand-ins saw of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from machi_sdk.texts import Texts
from machi_simulator.testing import Simulator
from tests.city import ROOT, City, ResidentAtPhone, words_in
from tests.faults.judging import harmless
from tests.story import file_report

PATIENCE = 150.0
DRAIN_SECONDS = 120.0
_TEXTS = ROOT / "services" / "channel-line" / "src" / "machi_channel_line" / "texts"
LATER = tuple(Texts(_TEXTS).words("waiting").values())


@dataclass(frozen=True)
class Patient(ResidentAtPhone):
    """A resident who waits as long as a city may take to heal."""

    async def hears(self, after: str, seconds: float = PATIENCE) -> str:
        """The answer after message `after`; that it comes later is none."""

        async def look() -> list[str]:
            heard = [words_in(each.content) for each in await self.city.simulator.line.heard(self.user, after)]
            return [words for words in heard if not words.startswith(LATER)]

        return "\n".join(await self.city.until(look, max(seconds, PATIENCE), "the account did not answer"))


@dataclass
class Load:
    """Reports filed until now: case numbers by resident."""

    city: City
    filed: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many reports got a case number."""
        return sum(map(len, self.filed.values()))

    @asynccontextmanager
    async def going_on(self, people: int) -> AsyncIterator[None]:
        """Let so many people report until the end; each finishes the report begun."""
        stopping = asyncio.Event()
        tasks = [asyncio.create_task(self._reports(stopping)) for _ in range(people)]
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*tasks)

    async def _reports(self, stopping: asyncio.Event) -> None:
        user = await self.city.simulator.line.create()
        resident = Patient(self.city, user)
        mine = self.filed.setdefault(user, [])
        try:
            await resident.does(lambda: self.city.simulator.line.follow(user))
            await resident.press("日本語")
            while not stopping.is_set():
                mine.append(await file_report(resident))
        except (TimeoutError, AssertionError, aiohttp.ClientError) as error:
            self.lost.append(f"{user} after {len(mine)} reports: {error}")

    async def judged(self) -> dict[str, list[str]]:
        """What is wrong by what the stand-ins saw, once everything drained; empty when nothing is."""
        numbers = [number for mine in self.filed.values() for number in mine]
        until = asyncio.get_running_loop().time() + DRAIN_SECONDS
        cards = await self._cards()
        while set(numbers) - set(cards) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(1)
            cards = await self._cards()
        found = {
            "without an answer": self.lost,
            "the same number twice": [number for number, times in Counter(numbers).items() if times > 1],
            "without a card": [number for number in numbers if not cards[number]],
            "with two cards": [number for number in numbers if cards[number] > 1],
            "told twice": await self._told_twice(),
            "refused by a stand-in": [
                f"{e.path}: {e.reason}" for e in await self.city.simulator.refused() if not harmless(e)
            ],
        }
        return {what: cases for what, cases in found.items() if cases}

    async def _cards(self) -> Counter[str]:
        channels = [channel for channel in await self.city.simulator.slack.channels() if not channel.im]
        messages = [each for channel in channels for each in await self.city.simulator.slack.messages(channel.id)]
        lines = [each.text.partition("\n")[0] for each in messages if not each.thread_ts and not each.seen_by]
        numbers = [number for mine in self.filed.values() for number in mine]
        return Counter(number for number in numbers for line in lines if number in line)

    async def _told_twice(self) -> list[str]:
        """Confirmations that came more than once: every message that names a case nobody has touched yet."""
        twice = []
        for user, mine in self.filed.items():
            heard = [words_in(each.content) for each in await self.city.simulator.line.heard(user)]
            twice += [number for number in mine if sum(number in words for words in heard) > 1]
        return twice


def city_at(simulator: Simulator) -> City:
    """The city behind a stand-in; there is no stack on this machine."""
    return City(Path("/nonexistent"), simulator)
