"""The flow of docs/flows/report.md told as a story: LINE → desk → LINE."""

import pytest

from machi_simulator.faults import Fault
from tests.city import City, machi, words_of
from tests.story import LEAD, OFFICER_HAKATA, STRANGER, Filing, file_report, number_in, photo, submit, to_confirm

pytestmark = [pytest.mark.integration, pytest.mark.stack]


async def test_a_report_travels_to_the_desk_and_back(city: City) -> None:
    refused_before = len(await city.simulator.refused())
    resident = await city.resident()
    filing = Filing(words="角の<歩道>に *穴* & ひび_割れ_。:smile:", photos=(photo(),))
    number = await file_report(resident, filing)

    card = await city.card(number)
    channel = next(each for each in await city.simulator.slack.channels() if each.id == card.channel)
    assert channel.name == "roads-hakata"
    seen = words_of(card)
    for expected in (number, "道路・歩道", "博多区", filing.words):
        assert expected in seen

    before = await resident.last()
    await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")
    assert number in await resident.hears(before)

    before = await resident.last()
    card = await city.card(number)
    await submit(city, OFFICER_HAKATA, card, "ask", words="穴の大きさは <30cm> くらいですか & 深いですか。")
    assert "穴の大きさは <30cm> くらいですか & 深いですか。" in await resident.hears(before)
    await resident.say("はい、だいたい30cmです。")

    async def answered() -> bool:
        return any("だいたい30cmです" in words for words in await city.thread(card))

    await city.until(answered, what="the answer did not reach the card's thread")

    before = await resident.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="本日、穴をふさぎました。")
    assert "本日、穴をふさぎました。" in await resident.hears(before)
    assert "評価 5" in await resident.press("★5")

    async def rated() -> bool:
        return "5 / 5" in words_of(await city.card(number))

    await city.until(rated, what="the rating did not reach the card")
    assert "道路・歩道" in await resident.say("自分の通報")
    assert [(call.path, call.reason) for call in (await city.simulator.refused())[refused_before:]] == []


async def test_free_words_find_the_report_and_an_answer_is_corrected_before_it_is_sent(city: City) -> None:
    resident = await city.resident()
    assert "こちらのことですか" in await resident.say("道に穴があいています")
    assert "場所を教えて" in await resident.press("通報する")
    await resident.say("中央区天神1丁目")
    await resident.say("スキップ")
    answer = await resident.say("深い穴です")
    if "メッセージをお送りしてもよいですか" in answer:
        answer = await resident.press("はい、受け取る")
    assert "道路・歩道" in answer
    assert "どれを直しますか" in await resident.press("直す")
    assert "場所を教えて" in await resident.press("場所")
    assert "博多区" in await resident.say("博多区祇園町")
    number = number_in(await resident.press("送る"))
    card = await city.card(number)
    channel = next(each for each in await city.simulator.slack.channels() if each.id == card.channel)
    assert channel.name == "roads-hakata"


async def test_a_second_press_says_who_did_it_and_changes_nothing(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    before = await resident.last()
    # The second officer still sees the button.
    await city.simulator.plan(Fault(path="/slack/api/chat.update", kind="status", status=429, retry_after=5, count=1))
    await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")
    await resident.hears(before)
    heard = await resident.last()
    await city.simulator.slack.press(LEAD, card, "acknowledge")

    async def told() -> bool:
        messages = await city.simulator.slack.messages(card.channel)
        return any(message.seen_by == LEAD and "すでに" in words_of(message) for message in messages)

    await city.until(told, what="the second officer was told nothing")
    assert await resident.last() == heard


async def test_a_stranger_can_do_nothing(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    heard = await resident.last()
    await city.simulator.slack.add_user(STRANGER, "よその人")
    await city.simulator.slack.press(STRANGER, card, "acknowledge")
    await city.simulator.slack.press(STRANGER, card, "resolve")

    async def told() -> bool:
        messages = await city.simulator.slack.messages(card.channel)
        return any(message.seen_by == STRANGER for message in messages)

    await city.until(told, what="the stranger was told nothing")
    assert await city.simulator.slack.views(STRANGER) == []
    assert await resident.last() == heard


async def test_who_refuses_messages_hears_nothing_and_can_still_ask(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident, Filing(may_message=False))
    card = await city.card(number)
    heard = await resident.last()
    await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")

    async def acknowledged() -> bool:
        return "対応中" in words_of(await city.card(number))

    await city.until(acknowledged, what="the card was not updated")
    assert await resident.last() == heard
    assert "対応中" in await resident.say("自分の通報")


async def test_stop_messages_works_in_the_chat(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    await resident.say("お知らせを止める")
    heard = await resident.last()
    await submit(city, OFFICER_HAKATA, card, "resolve", words="直しました。")

    async def resolved() -> bool:
        return "対応完了" in words_of(await city.card(number))

    await city.until(resolved, what="the card was not updated")
    assert await resident.last() == heard


async def test_a_resolved_report_can_be_reopened(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="直しました。")
    await resident.hears(before)
    await resident.press("もう一度見てもらう")
    await resident.say("まだ段差が残っています。")

    async def reopened() -> bool:
        return "再開" in words_of(await city.card(number))

    await city.until(reopened, what="the reopening did not reach the card")


async def test_handing_over_moves_the_card(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    await submit(city, OFFICER_HAKATA, await city.card(number), "handover", option="lighting", words="街灯の下です")
    lighting = await city.simulator.slack.channel("lighting")

    async def moved() -> bool:
        cards = await city.cards(number)
        here = await city.simulator.slack.channel("lighting") or lighting
        return here is not None and any(card.channel == here.id for card in cards)

    await city.until(moved, what="the other desk got no card")


async def test_trace_shows_the_way(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    await city.card(number)
    printed = machi(city.state, "trace", number)
    for pod in ("channel-line", "reports", "channel-slack"):
        assert pod in printed


async def test_a_summary_is_shown_before_it_is_sent(city: City) -> None:
    resident = await city.resident()
    assert "歩道に穴" in await to_confirm(resident, Filing())
    assert await resident.press("やめる")
