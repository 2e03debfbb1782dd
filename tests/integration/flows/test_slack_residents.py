"""Residents on Slack: the same dialogues in a direct message and by the slash command."""

import pytest

from tests.city import City, words_of
from tests.direct import newcomer
from tests.story import OFFICER_HAKATA, number_in, photo, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack]


async def test_a_report_is_filed_in_a_direct_message_and_answered_there(city: City) -> None:
    refused_before = len(await city.simulator.refused())
    resident = await newcomer(city)
    assert "何について" in await resident.command("report")
    await resident.press("道路・歩道")
    assert "住所や目印" in await resident.press("穴・ひび割れ")
    assert "写真" in await resident.say("博多区博多駅前2丁目")
    assert "あと2枚" in await resident.upload(photo())
    assert "文字で教えて" in await resident.press("次へ")
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

    await city.until(answered, what="the answer did not reach the card's thread")
    before = await resident.count()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="ふさぎました。")
    assert "ふさぎました。" in await resident.hears(before)
    assert "評価 4" in await resident.press("4")
    assert number in await resident.command("cases")
    assert [(call.path, call.reason) for call in (await city.simulator.refused())[refused_before:]] == []


async def test_photos_and_words_of_one_message_are_filed_and_taken_back_together(city: City) -> None:
    resident = await newcomer(city)
    await resident.command("report")
    await resident.press("道路・歩道")
    await resident.press("穴・ひび割れ")
    await resident.say("博多区博多駅前2丁目")
    slack, before = city.simulator.slack, await resident.count()
    files = [("a.jpg", "image/jpeg", photo(size=(400, 300))), ("b.jpg", "image/jpeg", photo(size=(500, 300)))]
    sent = await slack.direct(resident.user, "大きな穴です", *files)

    async def asked() -> bool:
        return "メッセージをお送りしてもよいですか" in await resident.hears(before)

    await city.until(asked, what="photos and words were not taken")
    await resident.press("はい、受け取る")
    card = await city.card(number_in(await resident.press("送る")))

    async def shared(count: int) -> bool:
        messages = await slack.messages(card.channel)
        return sum(len(each.files) for each in messages if each.thread_ts == card.ts) == count

    await city.until(lambda: shared(2), what="not both photos are in the thread")
    await slack.take_back(resident.user, sent)

    async def gone() -> bool:
        said = await city.thread(card)
        return sum("写真1枚は本人が取り消しました" in words for words in said) == 2

    await city.until(gone, what="the photos are still there")

    async def silent() -> bool:
        return "大きな穴" not in words_of(await city.card(card.text.split()[1]))

    await city.until(silent, what="the words are still on the card")
