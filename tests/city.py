"""The whole stack as tests use it: started by the `machi` command, acted on and judged through the simulator."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiohttp

from machi_simulator.line.model import ChatMessage
from machi_simulator.slack.model import SlackMessage
from machi_simulator.testing import Simulator, connect
from machi_tools.diagnosis import diagnose
from machi_tools.stack.layout import Layout

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
# A workspace's cards take forty changes a minute: after other tests, what is looked for may wait a minute for its turn.
PATIENCE = 75.0


def machi(state: Path, *words: str, check: bool = True) -> str:
    """Run the `machi` command on the stack in `state`; returns what it printed."""
    environment = {**os.environ, "MACHI_STATE_DIR": str(state)}
    command = [sys.executable, "-m", "machi_tools", *words]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
    if check and done.returncode != 0:
        raise AssertionError(f"machi {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class City:
    """A running stack and the people around it."""

    state: Path
    simulator: Simulator

    def doctor(self) -> dict[str, object]:
        """What `machi doctor --json` says."""
        found: dict[str, object] = json.loads(machi(self.state, "doctor", "--json", check=False))
        return found

    def pids(self) -> dict[str, int]:
        """Process ids of what the supervisor runs, by name."""
        content = json.loads((self.state / "state.json").read_text())
        return {name: process["pid"] for name, process in content["processes"].items()}

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process of the stack."""
        os.kill(self.pids()[name], number)

    def http(self) -> dict[str, str]:
        """Base address of each pod's HTTP side, by name."""
        content = json.loads((self.state / "state.json").read_text())
        return {pod["name"]: f"http://{pod['http']}" for pod in content["pods"]}

    def kafka(self) -> str:
        """The broker's address."""
        content = json.loads((self.state / "state.json").read_text())
        return str(content["servers"]["kafka"])

    async def restart(self, pod: str, **environment: str) -> int:
        """Start a pod anew, this once with more in its environment; returns that process's id once the pod is ready."""
        before = self.pids()[pod]
        extra = self.state / "env" / pod
        extra.parent.mkdir(exist_ok=True)
        extra.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
        try:
            self.signal(pod, signal.SIGTERM)
            started = await self.until(partial(self._another, pod, before), 40, f"{pod} did not start again")
        finally:
            extra.unlink()  # should that process die at once, the next one is as ever
        await self.until(partial(self.is_anew, pod, before), 40, f"{pod} did not become ready again")
        return started

    async def _another(self, pod: str, before: int) -> int:
        """The process that is the pod now; 0 while there is no other than `before`."""
        now = self.pids().get(pod, before)
        return now if now != before else 0

    async def is_anew(self, pod: str, before: int) -> bool:
        """Whether another process than `before` is the pod now, and ready."""
        if self.pids()[pod] == before:
            return False
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.http()[pod]}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def resident(self, language: str = "日本語") -> "ResidentAtPhone":
        """A new resident who has added the account and chosen a language."""
        user = await self.simulator.line.create()
        resident = ResidentAtPhone(self, user)
        await resident.does(lambda: self.simulator.line.follow(user))
        await resident.offered(language)  # behind the notice that the message is here, when the city is slow
        await resident.press(language)
        return resident

    async def until(self, probe: Callable[[], Awaitable[T]], seconds: float = PATIENCE, what: str = "") -> T:
        """The first truthy result of `probe`; TimeoutError after `seconds`."""
        return await self.simulator.until(probe, seconds, what)

    async def cards(self, case_number: str) -> list[SlackMessage]:
        """Cards of a case that stand in any channel: its number is in their first line, other cards may name it."""
        messages = [
            message
            for channel in await self.simulator.slack.channels()
            if not channel.im
            for message in await self.simulator.slack.messages(channel.id)
        ]
        tops = (message for message in messages if not message.thread_ts and not message.seen_by)
        return [message for message in tops if case_number in message.text.partition("\n")[0]]

    async def card(self, case_number: str, seconds: float = PATIENCE) -> SlackMessage:
        """The case's one card, once it is there."""

        async def look() -> list[SlackMessage]:
            return await self.cards(case_number)

        cards = await self.until(look, seconds, f"no card of {case_number}")
        assert len(cards) == 1, f"{len(cards)} cards of {case_number}"
        return cards[0]

    async def thread(self, card: SlackMessage) -> list[str]:
        """The words in a card's thread."""
        messages = await self.simulator.slack.messages(card.channel)
        return [words_of(message) for message in messages if message.thread_ts == card.ts and not message.seen_by]


@dataclass(frozen=True)
class ResidentAtPhone:
    """One resident in the LINE stand-in."""

    city: City
    user: str

    async def say(self, words: str, seconds: float = PATIENCE) -> str:
        """Send words; returns all words of the answer."""
        return await self.does(lambda: self.city.simulator.line.say(self.user, words), seconds)

    async def press(self, label: str, seconds: float = PATIENCE) -> str:
        """Press the newest button whose label contains `label`."""
        buttons = await self.buttons()
        exact = label if label in buttons else next((each for each in buttons if label in each), None)
        assert exact is not None, f"no button {label!r} among {buttons}"
        return await self.does(lambda: self.city.simulator.line.press(self.user, exact), seconds)

    async def locate(self, latitude: float, longitude: float) -> str:
        """Send a pin."""
        return await self.does(lambda: self.city.simulator.line.locate(self.user, latitude, longitude))

    async def upload(self, photo: bytes, content_type: str = "image/jpeg") -> str:
        """Send a photo."""
        return await self.does(lambda: self.city.simulator.line.upload(self.user, photo, content_type))

    async def upload_together(self, photos: list[bytes]) -> list[str]:
        """Send photos in one go; the words of each answer, once there is one for every photo."""
        before = await self.last()
        await self.city.simulator.line.upload_together(self.user, photos)

        async def look() -> list[ChatMessage]:
            heard = await self.city.simulator.line.heard(self.user, before)
            return heard if len(heard) >= len(photos) else []

        found = await self.city.until(look, what="not every photo was answered")
        return [words_in(message.content) for message in found]

    async def does(self, act: Callable[[], Awaitable[object]], seconds: float = PATIENCE) -> str:
        """Do something and wait for the account's answer; returns its words."""
        before = await self.last()
        await act()
        return await self.hears(before, seconds)

    async def hears(self, after: str, seconds: float = PATIENCE) -> str:
        """The words the account sent after message `after`, once there are some."""

        async def look() -> list[ChatMessage]:
            return await self.city.simulator.line.heard(self.user, after)

        found = await self.city.until(look, seconds, "the account did not answer")
        return "\n".join(words_in(message.content) for message in found)

    async def last(self) -> str:
        """The id of the newest message of the chat."""
        chat = await self.city.simulator.line.chat(self.user)
        return chat[-1].id if chat else "0"

    async def offered(self, label: str) -> None:
        """Once a button's label contains `label`."""

        async def look() -> bool:
            return any(label in each for each in await self.buttons())

        await self.city.until(look, what=f"never offered {label!r}")

    async def buttons(self) -> list[str]:
        """Labels of what can be pressed now."""
        return [button.label for button in await self.city.simulator.line.buttons(self.user)]


def words_in(content: object) -> str:
    """Every text inside a message's JSON, in order."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        wanted = (value for key, value in content.items() if key not in ("type", "data", "uri", "url"))
        return "\n".join(filter(None, (words_in(value) for value in wanted)))
    if isinstance(content, list):
        return "\n".join(filter(None, (words_in(value) for value in content)))
    return ""


def words_of(message: SlackMessage) -> str:
    """What a reader of Slack sees: fallback text and blocks, escapes undone."""
    joined = f"{message.text}\n{words_in(message.blocks)}"
    return joined.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@asynccontextmanager
async def visit(state: Path) -> AsyncIterator[City]:
    """Act on the stack that runs in `state`."""
    address = json.loads((state / "state.json").read_text())["simulator"]
    async with connect(f"http://{address}") as simulator:
        yield City(state, simulator)


async def wait_ready(city: City, seconds: float = 40.0) -> None:
    """Wait until every pod is ready again."""

    async def look() -> bool:
        return (await diagnose(Layout(ROOT, city.state), ask_platforms=False))["ok"]

    await city.until(look, seconds, "the stack did not become ready again")


async def pods_ready(city: City) -> bool:
    """Whether every pod is, whatever else the doctor finds, such as cards that wait for Slack."""
    return all(pod["ready"] for pod in await _pods(city))


async def at_rest(city: City) -> bool:
    """Whether nothing is under way: nothing to publish, nothing unread."""
    return all(pod["lag"] == 0 and pod["outbox_age"] == 0 for pod in await _pods(city))


async def _pods(city: City) -> list[dict[str, object]]:
    pods = (await asyncio.to_thread(city.doctor))["pods"]
    assert isinstance(pods, list)
    return pods


def first(lines: Sequence[str], wanted: str) -> str:
    """The first line that contains `wanted`."""
    return next(line for line in lines if wanted in line)
