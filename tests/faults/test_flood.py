"""Sixty reports at once, and the Slack adapter dies in the middle: each case is named once, at a pace Slack allows."""

import asyncio
import json
import signal
from collections import Counter
from functools import partial

import pytest

from machi_simulator.slack.model import SlackMessage
from tests.city import City, wait_ready
from tests.faults.judging import HEALED_SECONDS, receipt
from tests.story import Filing, to_confirm

pytestmark = [pytest.mark.faults, pytest.mark.stack]
RESIDENTS = 60
# To a desk of its own: for a minute after a flood a desk's new cards still come as lists.
PARK = Filing(words="ベンチの板が割れています。", kind=("公園・街路樹", "そのほか"))
TOGETHER = 10
MOST_A_MINUTE = 40
POSTS, CHANGES = "/slack/api/chat.postMessage", "/slack/api/chat.update"


async def tops(city: City, channel: str) -> list[SlackMessage]:
    messages = await city.simulator.slack.messages(channel)
    return [message for message in messages if message.bot_id and not message.thread_ts and not message.seen_by]


async def named(city: City, numbers: list[str]) -> Counter[str]:
    """How often each case is a card or a line of a list."""
    found: Counter[str] = Counter()
    for channel in await city.simulator.slack.channels():
        for message in [] if channel.im else await tops(city, channel.id):
            words = json.dumps(list(message.blocks))
            found.update(number for number in numbers if number in words)
    return found


async def test_a_flood_is_shown_whole_and_once_though_slack_s_adapter_dies(city: City) -> None:
    began = len(await city.simulator.received())
    residents = [await city.resident() for _ in range(RESIDENTS)]
    for at in range(0, RESIDENTS, TOGETHER):
        await asyncio.gather(*(to_confirm(each, PARK) for each in residents[at : at + TOGETHER]))
    await asyncio.gather(*(city.simulator.line.press(each.user, "送る") for each in residents))

    async def some_are_listed() -> bool:
        calls = await city.simulator.received(POSTS)
        return any("machi_digest" in json.dumps(call.body) for call in calls)

    await city.until(some_are_listed, HEALED_SECONDS, "no list came")
    city.signal("channel-slack", signal.SIGKILL)
    numbers = [await receipt(each, 90) for each in residents]

    async def all_are_named() -> bool:
        return len(await named(city, numbers)) == RESIDENTS

    await city.until(all_are_named, 120, "a case is neither a card nor a line")
    await wait_ready(city)
    assert set((await named(city, numbers)).values()) == {1}
    calls = (await city.simulator.received())[began:]
    moments = [call.at for call in calls if call.path == CHANGES and call.effect]
    in_a_minute = partial(_within, moments)
    assert max(map(in_a_minute, moments), default=0) <= MOST_A_MINUTE


def _within(moments: list[float], begin: float) -> int:
    return sum(begin <= each < begin + 60.0 for each in moments)
