"""The photos of a report: of every kind, several at once, opened by their desk, and gone when they are taken back."""

import io
import re

import aiohttp
import pytest
from PIL import Image

from machi_simulator.faults import Fault
from machi_simulator.slack.model import SlackMessage
from machi_simulator.testing_wire import RefusedError
from tests.city import City, words_of
from tests.story import OFFICER_HAKATA, Filing, file_report, number_in, photo, submit, to_photos

pytestmark = [pytest.mark.integration, pytest.mark.stack]
ODD_SIZE = (444, 333)
PHOTOS = [photo(size=(100 * side, 300)) for side in (4, 5, 6)]
LINK = re.compile(r"http://127\.0\.0\.1:\d+/photos/[\w.-]+")


async def shared(city: City, card: SlackMessage, count: int) -> list[SlackMessage]:
    """The first messages of a card's thread that share a file, once there are so many."""

    async def look() -> list[SlackMessage]:
        messages = await city.simulator.slack.messages(card.channel)
        found = [each for each in messages if each.files and each.thread_ts == card.ts]
        return found if len(found) >= count else []

    return await city.until(look, 40, f"not {count} photos in the thread")


async def contents(city: City, card: SlackMessage, count: int) -> list[bytes]:
    """The photos in a card's thread, in order."""
    files = [file for message in await shared(city, card, count) for file in message.files]
    return [(await city.simulator.slack.file(file)).body for file in files]


def width(jpeg: bytes) -> int:
    assert jpeg.startswith(b"\xff\xd8")
    assert b"PLANTED-CAMERA" not in jpeg
    return Image.open(io.BytesIO(jpeg)).width


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
async def test_a_photo_of_every_kind_reaches_the_desk_without_its_metadata(city: City, kind: str) -> None:
    resident = await city.resident()
    sent = photo(kind=kind)
    assert b"PLANTED-CAMERA" in sent
    card = await city.card(await file_report(resident, Filing(photos=(sent,))))
    assert [width(jpeg) for jpeg in await contents(city, card, 1)] == [640]


async def test_photos_sent_together_land_once_and_in_their_order(city: City) -> None:
    resident = await city.resident()
    assert "3枚まで" in await to_photos(resident)
    # The first one's webhook fails on its way and comes again: the others overtake it.
    await city.simulator.plan(Fault(path="webhook/line", kind="drop_try"))
    await city.simulator.plan(Fault(path="webhook/line", kind="duplicate", skip=1))
    answers = await resident.upload_together(PHOTOS)
    assert ["あと2枚" in answers[0], "あと1枚" in answers[1], "文字で教えて" in answers[2]] == [True] * 3
    await resident.say("大きな穴です。")
    await resident.press("はい、受け取る")
    card = await city.card(number_in(await resident.press("送る")))
    assert [width(jpeg) for jpeg in await contents(city, card, 3)] == [400, 500, 600]


async def test_a_fourth_photo_is_said_not_to_be_taken(city: City) -> None:
    resident = await city.resident()
    await to_photos(resident)
    answers = await resident.upload_together([*PHOTOS, photo()])
    assert "この1枚は追加されません" in answers[3]


async def test_a_photo_taken_back_leaves_the_desk(city: City) -> None:
    resident = await city.resident()
    await to_photos(resident)
    first = await city.simulator.line.upload(resident.user, photo(size=ODD_SIZE))
    await resident.hears(first.message)
    second = await city.simulator.line.upload(resident.user, PHOTOS[1])
    await resident.hears(second.message)
    await resident.say("大きな穴です。")  # who writes has no more photos
    await resident.press("はい、受け取る")
    card = await city.card(number_in(await resident.press("送る")))
    files = [file for message in await shared(city, card, 2) for file in message.files]
    await city.simulator.line.unsend(resident.user, first.message)

    async def deleted() -> bool:
        try:
            await city.simulator.slack.file(files[0])
        except RefusedError:
            return True
        return False

    await city.until(deleted, what="the photo is still in the thread")
    assert width((await city.simulator.slack.file(files[1])).body) == 500

    async def said() -> bool:
        return any("写真1枚は本人が取り消しました" in words for words in await city.thread(card))

    await city.until(said, what="the thread does not say why")
    objects = city.state / "data" / "objects"

    async def gone() -> bool:
        stored = [Image.open(io.BytesIO(path.read_bytes())).size for path in objects.rglob("*-whole.jpg")]
        return ODD_SIZE not in stored

    await city.until(gone, what="the photo is still in the store")


async def test_a_photo_taken_back_before_filing_reaches_nobody(city: City) -> None:
    resident = await city.resident()
    await to_photos(resident)
    sent = await city.simulator.line.upload(resident.user, PHOTOS[0])
    await resident.hears(sent.message)
    before = await resident.last()
    await city.simulator.line.unsend(resident.user, sent.message)
    assert "3枚まで" in await resident.hears(before)
    await resident.press("スキップ")
    await resident.say("大きな穴です。")
    await resident.press("はい、受け取る")
    card = await city.card(number_in(await resident.press("送る")))
    await submit(city, OFFICER_HAKATA, card, "ask", words="写真はありますか。")

    async def asked() -> bool:
        return any("写真はありますか" in words for words in await city.thread(card))

    await city.until(asked, what="the question is not in the thread")
    messages = await city.simulator.slack.messages(card.channel)
    assert not [each for each in messages if each.files and each.thread_ts == card.ts]


async def test_an_officer_opens_the_photos_by_a_short_lived_link(city: City) -> None:
    resident = await city.resident()
    card = await city.card(await file_report(resident, Filing(photos=(PHOTOS[2],))))
    await city.simulator.slack.press(OFFICER_HAKATA, card, "photos")

    async def whispered() -> list[str]:
        messages = await city.simulator.slack.messages(card.channel)
        return [link for each in messages if each.seen_by == OFFICER_HAKATA for link in LINK.findall(words_of(each))]

    links = await city.until(whispered, what="no link")
    async with aiohttp.ClientSession() as session, session.get(links[0]) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert width(await answer.read()) == 600
    async with aiohttp.ClientSession() as session, session.get(links[0][:-1]) as answer:
        assert answer.status == 404
