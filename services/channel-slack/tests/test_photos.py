"""Photos in a card's thread: each once, in order, and their files are deleted when they are gone."""

import aiohttp
import pytest
from samples import entry, moved
from slack_city import JPEG, SlackCity

from machi.dialogue.v1.desk_card_pb2 import CardPhoto
from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.slack.model import SlackMessage
from machi_simulator.testing_wire import RefusedError

pytestmark = pytest.mark.integration
DELETE = "/slack/api/files.delete"


def photo(media_id: str, *, gone: bool = False) -> CardPhoto:
    return CardPhoto(media_id=media_id, alt_text=f"写真 {media_id}", gone=gone)


async def shown(city: SlackCity, *photos: CardPhoto, version: int = 1) -> SlackMessage:
    """The card with these photos, once it is shown."""
    city.lamps.card.version = version
    del city.lamps.card.photos[:]
    city.lamps.card.photos.extend(photos)
    await city.announce(version)
    return await city.shown(version)


async def files(city: SlackCity) -> list[str]:
    """Every file that was ever shown in the channel, in order."""
    return [file for message in await city.messages() for file in message.files]


async def left(city: SlackCity) -> list[str]:
    """The titles of those that are still there."""
    found = []
    for file in await files(city):
        try:
            found.append((await city.simulator.slack.file(file)).title)
        except RefusedError:
            continue
    return found


async def test_several_photos_stand_in_the_thread_in_order(city: SlackCity) -> None:
    card = await shown(city, photo("m-1"), photo("m-2"))
    assert await left(city) == ["写真 m-1", "写真 m-2"]
    assert {message.thread_ts for message in await city.messages() if message.files} == {card.ts}
    assert (await city.simulator.slack.file((await files(city))[1])).body == JPEG


async def test_the_file_of_a_photo_that_is_gone_is_deleted_and_the_thread_says_why(city: SlackCity) -> None:
    await shown(city, photo("m-1"), photo("m-2"))
    city.lamps.card.thread.append(entry("photo-gone-m-1", "（写真1枚は本人が取り消しました）", ""))
    await shown(city, photo("m-1", gone=True), photo("m-2"), version=2)
    await shown(city, photo("m-1", gone=True), photo("m-2"), version=3)
    assert await left(city) == ["写真 m-2"]
    assert len(await city.simulator.received(DELETE)) == 1
    said = [message.text for message in await city.messages() if message.thread_ts and not message.files]
    assert said == ["（写真1枚は本人が取り消しました）"]
    assert await city.simulator.refused() == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=DELETE, kind="status", status=429, retry_after=1),
        Fault(path=DELETE, kind="status", status=500),
        Fault(path=DELETE, kind="accept_then_reset"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
async def test_a_file_is_deleted_whatever_becomes_of_the_request(city: SlackCity, fault: Fault) -> None:
    await shown(city, photo("m-1"))
    await city.simulator.plan(fault)
    await shown(city, photo("m-1", gone=True), version=2)
    assert await left(city) == []
    assert len(await city.simulator.received(DELETE)) == 2


async def test_a_photo_that_was_gone_before_it_was_shown_is_passed_over(city: SlackCity) -> None:
    await shown(city, photo("m-1", gone=True))
    assert await files(city) == []
    assert await city.simulator.received(DELETE) == []


async def test_a_desk_that_handed_over_loses_what_was_taken_back_since(city: SlackCity) -> None:
    city.lamps.card.thread.append(entry("e-1", "秘密"))
    await shown(city, photo("m-1"), photo("m-2"))
    left_over = moved()
    left_over.photos.append(photo("m-1", gone=True))
    left_over.thread.extend([entry("e-1", "（本人が取り消しました）"), entry("e-2", "（本人が取り消しました）")])
    city.lamps.card.CopyFrom(left_over)
    await city.announce(9)
    await city.shown(9)
    assert await left(city) == ["写真 m-2"], "what it was shown while it held the case stays"
    said = [message.text for message in await city.messages() if message.thread_ts and not message.files]
    assert said == ["市民: （本人が取り消しました）"], "changed where it stands, and nothing said anew"


async def test_a_deleted_card_takes_its_photos_along(city: SlackCity) -> None:
    first = await shown(city, photo("m-1"))
    token = {"authorization": f"Bearer {Config().slack_bot_token}"}
    async with aiohttp.ClientSession(city.simulator.slack_api_url, headers=token) as session:
        await session.post("chat.delete", json={"channel": first.channel, "ts": first.ts})
    second = await shown(city, photo("m-1"), version=2)
    assert second.ts != first.ts
    assert await left(city) == ["写真 m-1"]
    assert len(await files(city)) == 2, "the one in the old thread is deleted"
