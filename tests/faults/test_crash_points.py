"""Pods die exactly between two steps that belong together; the work is done again, its effect is there once."""

import pytest

from machi_simulator.testing_wire import RefusedError
from tests.city import City, ResidentAtPhone, words_in, words_of
from tests.faults.judging import HEALED_SECONDS, doomed, have_died, receipt, settled
from tests.story import OFFICER_HAKATA, Filing, file_report, number_in, photo, submit, to_confirm, to_photos

pytestmark = [pytest.mark.faults, pytest.mark.stack]
FILING = Filing()
QUESTION = "ふたは何色ですか。"


async def drained(city: City, resident: ResidentAtPhone, number: str) -> None:
    """All of the case that lay on Kafka was handled: something later went the same way, in order behind it."""
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="直しました。")
    await resident.hears(before, HEALED_SECONDS)

    async def shown() -> bool:
        return "対応完了" in words_of(await city.card(number))

    await city.until(shown, HEALED_SECONDS, "the card was not updated")


async def test_everyone_dies_while_a_report_is_filed(city: City) -> None:
    resident = await city.resident()
    await to_confirm(resident, FILING)
    pids = await doomed(
        city,
        {
            "channel-line": "after_commit_before_ack",
            "reports": "after_publish_before_delete",
            "notifications": "after_commit_before_ack",
            "channel-slack": "after_card_posted",
        },
    )
    await city.simulator.line.press(resident.user, "送る")
    number = await receipt(resident)
    await have_died(city, pids)
    heard = [words_in(each.content) for each in await city.simulator.line.heard(resident.user)]
    assert sum(number in words for words in heard) == 1
    await drained(city, resident, number)
    await settled(city, number)


async def test_everyone_dies_while_an_officer_asks(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    pids = await doomed(
        city,
        {
            "channel-line": "after_publish_before_delete",
            "notifications": "after_publish_before_delete",
            "channel-slack": "after_entry_posted",
        },
    )
    before = await resident.last()
    await submit(city, OFFICER_HAKATA, card, "ask", words=QUESTION)
    await resident.hears(before, HEALED_SECONDS)
    await have_died(city, pids)

    async def in_thread() -> list[str]:
        return [words for words in await city.thread(card) if QUESTION in words]

    await city.until(in_thread, HEALED_SECONDS, "the question is not in the thread")
    await drained(city, resident, number)
    await settled(city, number)
    told = [words_in(each.content) for each in await city.simulator.line.heard(resident.user, before)]
    assert sum(QUESTION in words for words in told) == 1
    assert len(await in_thread()) == 1


async def test_a_photo_lands_and_leaves_once_whoever_dies(city: City) -> None:
    resident = await city.resident()
    await to_photos(resident)
    written = await doomed(city, {"reports": "after_photo_written"})
    before = await resident.last()
    sent = await city.simulator.line.upload(resident.user, photo())
    assert "あと2枚" in await later(resident, before, "あと2枚")
    await have_died(city, written)
    await resident.say(FILING.words, HEALED_SECONDS)
    await resident.press("はい、受け取る")
    number = number_in(await resident.press("送る"))
    card = await city.card(number, HEALED_SECONDS)

    async def files() -> list[str]:
        messages = await city.simulator.slack.messages(card.channel)
        return [file for each in messages if each.thread_ts == card.ts for file in each.files]

    (file,) = await city.until(files, HEALED_SECONDS, "no photo in the thread")
    pids = await doomed(city, {"reports": "after_photos_deleted", "channel-slack": "after_file_deleted"})
    await city.simulator.line.unsend(resident.user, sent.message)
    await have_died(city, pids)
    await drained(city, resident, number)
    await settled(city, number)
    assert await files() == [file], "one photo was ever shown"
    with pytest.raises(RefusedError):
        await city.simulator.slack.file(file)
    said = [words for words in await city.thread(card) if "本人が取り消しました" in words]
    assert len(said) == 1


async def later(resident: ResidentAtPhone, before: str, wanted: str) -> str:
    """The words that hold `wanted`; the notice that the message is here may come first."""

    async def look() -> str:
        heard = await resident.city.simulator.line.heard(resident.user, before)
        return next((words for words in (words_in(each.content) for each in heard) if wanted in words), "")

    return await resident.city.until(look, HEALED_SECONDS, f"never heard {wanted!r}")


async def test_a_withdrawal_and_what_an_officer_did_outlive_their_pods(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    places = {"identity": "after_publish_before_delete", "channel-slack": "after_commit_before_ack"}
    withdrawing = await doomed(city, places)
    await resident.say("お知らせを止める", HEALED_SECONDS)
    await have_died(city, withdrawing)  # channel-slack of the card, which says that words do not arrive any more
    acting = await doomed(city, {"channel-slack": "after_commit_before_ack"})
    await submit(city, OFFICER_HAKATA, card, "resolve", words="直しました。")
    await have_died(city, acting)

    async def resolved() -> bool:
        return "対応完了" in words_of(await city.card(number))

    await city.until(resolved, HEALED_SECONDS, "what the officer did is lost")
    await settled(city, number)
    heard = [words_in(each.content) for each in await city.simulator.line.heard(resident.user)]
    assert not any("直しました。" in words for words in heard), "told in spite of the withdrawal"
