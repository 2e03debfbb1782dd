"""A canary: one resident of the stand-in files a report, and it has to come out as one card at a desk.

`python -m machi_simulator.canary URL WORD`: WORD opens the dialogue. Buttons are taken as they come, in any language.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass

import aiohttp

from machi_simulator.slack.model import SlackMessage
from machi_simulator.testing import Simulator, connect
from machi_simulator.testing_line import ShownButton

_SECONDS = 30.0
_LOOK_SECONDS = 0.2
_PLACE = (33.5903, 130.4207)
_WORDS = "canary: a sandbox report, nothing to do"
_NUMBER = re.compile(r"\b[A-Z]{2,4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
_MOST_TURNS = 12
_PARTS = 3  # of what a button of ours carries: kind, question, answer


class LostError(Exception):
    """The report did not go through; says where it stopped."""


@dataclass(frozen=True)
class Canary:
    """One resident, answering whatever is asked until there is a case number."""

    simulator: Simulator
    user: str

    async def files(self, word: str) -> str:
        """Open the dialogue, answer, send; returns the case number."""
        await self._does(self.simulator.line.follow(self.user))
        await self._answers()
        heard = await self._does(self.simulator.line.say(self.user, word))
        for _ in range(_MOST_TURNS):
            found = _NUMBER.search(heard)
            if found is not None:
                return found.group()
            heard = await self._answers()
        raise LostError(f"no case number after {_MOST_TURNS} answers; the last words were {heard[:200]!r}")

    async def _answers(self) -> str:
        """Take the first of what is offered; without an offer, skip, or say words."""
        line = self.simulator.line
        shown = await line.buttons(self.user)
        choices = [choice for button in shown if (choice := _choice(button))]
        asked = choices[0].asked if choices else ""
        if any(button.kind == "location" for button in shown):
            return await self._does(line.locate(self.user, *_PLACE))
        now = [choice for choice in choices if choice.asked == asked]
        offered = [each for each in now if each.kind == "o"] or [each for each in now if each.answer == "skip"]
        if offered:
            return await self._does(line.postback(self.user, offered[0].data))
        return await self._does(line.say(self.user, _WORDS))

    async def _does(self, act: Awaitable[object]) -> str:
        """Do it, and wait for the account's words."""
        chat = await self.simulator.line.chat(self.user)
        await act
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            heard = await self.simulator.line.heard(self.user, chat[-1].id if chat else "0")
            if heard:
                return json.dumps([each.content for each in heard], ensure_ascii=False)
            await asyncio.sleep(_LOOK_SECONDS)
        raise LostError(f"no answer within {_SECONDS:.0f} s, after {len(chat)} messages")


@dataclass(frozen=True)
class Choice:
    """A button of ours: `o` offers an answer to what was asked, others steer."""

    kind: str
    asked: str
    answer: str
    data: str


def _choice(button: ShownButton) -> Choice | None:
    data = str(button.action.get("data", ""))
    parts = json.loads(data) if data.startswith("[") else []
    return Choice(str(parts[0]), str(parts[1]), str(parts[2]), data) if len(parts) == _PARTS else None


async def card_of(simulator: Simulator, number: str) -> SlackMessage:
    """The case's one card, in whichever channel."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        channels = [channel for channel in await simulator.slack.channels() if not channel.im]
        messages = [each for channel in channels for each in await simulator.slack.messages(channel.id)]
        tops = [each for each in messages if not each.thread_ts and number in each.text.partition("\n")[0]]
        if len(tops) > 1:
            raise LostError(f"{len(tops)} cards of {number}")
        if tops:
            return tops[0]
        await asyncio.sleep(_LOOK_SECONDS)
    raise LostError(f"no card of {number} within {_SECONDS:.0f} s")


async def fly(url: str, word: str) -> str:
    """File one report and find its card; what happened, in a line."""
    began = time.monotonic()
    async with connect(url) as simulator:
        number = await Canary(simulator, await simulator.line.create("canary")).files(word)
        filed = time.monotonic() - began
        card = await card_of(simulator, number)
    return f"{number}: filed in {filed:.1f} s, its card was in {card.channel} after {time.monotonic() - began:.1f} s"


def main() -> None:
    """Say what happened; exit code 1 when the report was lost."""
    try:
        sys.stdout.write(asyncio.run(fly(*sys.argv[1:3])) + "\n")
    except (LostError, aiohttp.ClientError) as error:
        sys.stderr.write(f"✗ canary: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
