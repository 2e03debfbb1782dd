"""An officer's work told as a story: take, note, same as another, my desk today; the residents hear what is theirs."""

import json

import pytest

from machi_simulator.slack.model import SlackMessage
from tests.city import City, words_of
from tests.story import LEAD, OFFICER_HAKATA, STRANGER, Filing, file_report, press, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack]
NOTE = "所有者と係争中。<口外> しないこと & 内密"


async def _card_says(city: City, number: str, words: str) -> SlackMessage:
    async def look() -> SlackMessage | None:
        card = await city.card(number)
        return card if words in "".join(words_of(card).split()) else None

    found = await city.until(look, what=f"the card of {number} does not say {words!r}")
    assert found is not None
    return found


async def _home_says(city: City, user: str, *words: str) -> str:
    async def look() -> str:
        view = await city.simulator.slack.home(user)
        page = json.dumps(view.content, ensure_ascii=False) if view else ""
        return page if all(each in page for each in words) else ""

    return await city.until(look, what=f"the home tab does not say {words}")


async def _held_and_noted(city: City, leading: str) -> None:
    """The officer takes it and gives it to the lead, who leaves a note."""
    await press(city, OFFICER_HAKATA, await city.card(leading), "take")
    card = await _card_says(city, leading, "担当者:道路担当1")
    await submit(city, OFFICER_HAKATA, card, "assign", option="lead-1")
    card = await _card_says(city, leading, "担当者:統括")
    await submit(city, LEAD, card, "note", words=NOTE)

    async def noted() -> bool:
        return any(NOTE in words for words in await city.thread(card))

    await city.until(noted, what="the note did not reach the thread")


async def test_an_officers_day(city: City) -> None:
    refused_before = len(await city.simulator.refused())
    first, second = await city.resident(), await city.resident()
    leading = await file_report(first, Filing(words="交差点の角に大きな穴"))
    number = await file_report(second, Filing(words="角の穴にタイヤがはまりました"))
    await _held_and_noted(city, leading)

    before = await second.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "duplicate", words=leading)
    assert "同じ内容の通報がほかにもあるため" in await second.hears(before)
    await _card_says(city, number, f"まとめ先:{leading}")
    card = await _card_says(city, leading, f"同じ通報:{number}")

    await city.simulator.slack.open_home(LEAD)
    page = await _home_says(city, LEAD, "自分が担当", leading, "カードを開く")
    assert f"thread={card.ts}" in page

    heard = [await first.last(), await second.last()]
    await submit(city, LEAD, card, "resolve", words="本日ふさぎました。")
    for resident, before in zip((first, second), heard, strict=True):
        assert "本日ふさぎました。" in await resident.hears(before)
        said = [str(message) for message in await city.simulator.line.heard(resident.user)]
        assert sum("本日ふさぎました。" in words for words in said) == 1
        assert not any("口外" in words for words in said)
        assert "内密" not in await resident.say("自分の通報")

    async def gone() -> bool:
        view = await city.simulator.slack.home(LEAD)
        return view is not None and leading not in json.dumps(view.content)

    await city.until(gone, what="the home tab still shows what is done")
    assert [(call.path, call.reason) for call in (await city.simulator.refused())[refused_before:]] == []


async def test_a_stranger_sees_a_kind_home_and_can_take_nothing(city: City) -> None:
    number = await file_report(await city.resident())
    await city.simulator.slack.add_user(STRANGER, "よその人")
    await city.simulator.slack.open_home(STRANGER)
    assert number not in await _home_says(city, STRANGER, "ようこそ")
    card = await city.card(number)
    for action in ("take", "assign", "note", "duplicate"):
        await press(city, STRANGER, card, action)

    async def told() -> bool:
        messages = await city.simulator.slack.messages(card.channel)
        return sum(message.seen_by == STRANGER for message in messages) >= 4

    await city.until(told, what="the stranger was told nothing")
    assert await city.simulator.slack.views(STRANGER) == []
    assert "担当者:道路" not in "".join(words_of(await city.card(number)).split())
