"""Steps of linking that stories and faults share: one person, on LINE and on Slack."""

import re

from tests.city import ResidentAtPhone
from tests.direct import ResidentOnSlack
from tests.story import number_in

CODE = re.compile(r"連携 ([0-9A-Z]{4}-[0-9A-Z]{4})")


def code_in(words: str) -> str:
    """The code that is shown with the keyword."""
    found = CODE.search(words)
    assert found is not None, words
    return found[1]


async def link(shows: ResidentAtPhone | ResidentOnSlack, types: ResidentAtPhone | ResidentOnSlack) -> str:
    """Link two channels; returns the last answer."""
    code = code_in(await shows.say("連携"))
    assert "LINE・Slack" in await types.say(f"連携 {code}")
    return await types.press("はい、連携する")


async def file_on_slack(resident: ResidentOnSlack) -> str:
    """File a report in the direct conversation; returns its case number."""
    await resident.command("report")
    await resident.press("道路・歩道")
    await resident.press("穴・ひび割れ")
    await resident.say("博多区博多駅前2丁目")
    await resident.press("スキップ")
    answer = await resident.say("穴があります。")
    if "メッセージをお送りしてもよいですか" in answer:
        await resident.press("はい、受け取る")
    return number_in(await resident.press("送る"))


async def at_the_words(resident: ResidentAtPhone | ResidentOnSlack) -> None:
    """Begin a report and answer up to the question for words."""
    await resident.say("通報")
    await resident.press("道路・歩道")
    await resident.press("穴・ひび割れ")
    await resident.say("博多区博多駅前2丁目")
    assert "文字で教えて" in await resident.say("スキップ")


async def finish(resident: ResidentAtPhone | ResidentOnSlack) -> str:
    """Answer from the words on; returns the case number."""
    assert "メッセージをお送りしてもよいですか" in await resident.say("横断歩道の前に穴があります。")
    await resident.press("はい、受け取る")
    return number_in(await resident.press("送る"))
