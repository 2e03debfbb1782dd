"""Residents on Slack: the same dialogues in a direct message and by the slash command."""

import pytest

from machi_sdk.ids import new_id
from tests.city import City, words_of
from tests.direct import ResidentOnSlack, resident_on_slack
from tests.story import OFFICER_HAKATA, number_in, photo, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack]


async def newcomer(city: City) -> ResidentOnSlack:
    return await resident_on_slack(city, f"U0{new_id().replace('-', '')[-9:].upper()}")


async def test_a_report_is_filed_in_a_direct_message_and_answered_there(city: City) -> None:
    refused_before = len(await city.simulator.refused())
    resident = await newcomer(city)
    assert "何について" in await resident.command("report")
    await resident.press("道路・歩道")
    assert "住所や目印" in await resident.press("穴・ひび割れ")
    assert "写真" in await resident.say("博多区博多駅前2丁目")
    assert "文字で教えて" in await resident.upload(photo())
    words = "歩道に <大きな> 穴 & 水たまり *です*"
    answer = await resident.say(words)
    assert "メッセージをお送りしてもよいですか" in answer
    assert words in await resident.press("はい、受け取る")
    number = number_in(await resident.press("送る"))

    card = await city.card(number)
    assert words in words_of(card)

    before = await resident.count()
    await submit(city, OFFICER_HAKATA, card, "ask", words="深さは <何cm> ですか & いつからですか")
    assert "深さは <何cm> ですか & いつからですか" in await resident.hears(before)
    await resident.say("10cmくらいです")

    async def answered() -> bool:
        return any("10cmくらいです" in each for each in await city.thread(card))

    await city.until(answered, 15, "the answer did not reach the card's thread")
    before = await resident.count()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="ふさぎました。")
    assert "ふさぎました。" in await resident.hears(before)
    assert "評価 4" in await resident.press("4")
    assert number in await resident.command("cases")
    assert [(call.path, call.reason) for call in (await city.simulator.refused())[refused_before:]] == []
