"""Sixty reports at once, and the Slack adapter dies in the middle: each case is named once, at a pace Slack allows."""

import asyncio
import json
import signal
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


async def named(city: City, numbers: list[str]) -> dict[str, list[str]]:
    """The messages, cards and lists, that name each case: when each was written, and what it says."""
    rooms = [channel.id for channel in await city.simulator.slack.channels() if not channel.im]
    written = [message for room in rooms for message in await tops(city, room)]
    said = {f"{each.ts} {each.text}": json.dumps(list(each.blocks)) for each in written}
    return {number: [at for at, words in said.items() if number in words] for number in numbers}


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
        return all((await named(city, numbers)).values())

    await city.until(all_are_named, 120, "a case is neither a card nor a line")
    await wait_ready(city)
    assert {number: at for number, at in (await named(city, numbers)).items() if len(at) != 1} == {}
    calls = (await city.simulator.received())[began:]
    moments = [call.at for call in calls if call.path == CHANGES and call.effect]
    in_a_minute = partial(_within, moments)
    assert max(map(in_a_minute, moments), default=0) <= MOST_A_MINUTE


def _within(moments: list[float], begin: float) -> int:
    return sum(begin <= each < begin + 60.0 for each in moments)
