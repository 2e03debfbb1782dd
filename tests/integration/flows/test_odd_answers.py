"""Answers that are none of those asked for: each is said so, once, and the report still gets through."""

import pytest

from tests.city import City
from tests.story import number_in

pytestmark = [pytest.mark.integration, pytest.mark.stack]
SEA, KITAKYUSHU = (33.70, 130.20), (33.8834, 130.8752)


@pytest.mark.parametrize("place", [SEA, KITAKYUSHU], ids=["the sea", "another city"])
async def test_a_place_outside_and_a_photo_that_is_none(city: City, place: tuple[float, float]) -> None:
    resident = await city.resident()
    for words in ("通報", "1", "1"):
        await resident.say(words)
    assert "外か海の上のようです" in await resident.locate(*place)
    assert "写真" in await resident.locate(*place), "who insists is believed"
    assert "写真として受け取れませんでした" in await resident.upload(b"\xff\xd8 this is no photo")
    assert "見ることができません" in await resident.upload(b"\0\0\0\x18ftypmp42", "video/mp4")
    assert "文字で教えて" in await resident.say("スキップ")
    await resident.say("海の上の橋が壊れています。")
    await resident.press("はい、受け取る")
    card = await city.card(number_in(await resident.press("送る")))
    front = await city.simulator.slack.channel("front")
    assert front is not None
    assert card.channel == front.id
