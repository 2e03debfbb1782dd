"""Links to photos: for a desk, for ten minutes, and each use leaves a line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
import pytest
from PIL import Image

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_reports.adapters.photo_links import SealedPhotoLinks
from machi_reports.domain.photo import PhotoClaim, PhotoSize
from machi_sdk.clock import ManualClock
from machi_sdk.service import Pod

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

pytestmark = pytest.mark.integration
PUBLIC = "https://photos.city.example"
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
Photo = Callable[..., Awaitable[str]]


@pytest.fixture
async def browser(pod: Pod) -> AsyncIterator[aiohttp.ClientSession]:
    """Whoever opens an address of this pod."""
    await pod.http.start("127.0.0.1:0")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{pod.http.port}") as session:
        yield session
    await pod.http.drain()


@pytest.fixture
async def card(file_with_photos: Photo, card_of: CardOf) -> DeskCard:
    """A card with two photos."""
    return await card_of(await file_with_photos("hana", "e1", "e2"))


def press(card: DeskCard, at: str = "roads-chuo", action: str = "photos", **values: str) -> wire.CardPress:
    return wire.CardPress(card_id=card.card_id, desk_id=at, action_id=action, values=values)


def paths(response: wire.TurnResponse) -> list[str]:
    links = [message.link for message in response.messages if message.HasField("link")]
    assert all(link.uri.startswith(f"{PUBLIC}/photos/") for link in links)
    return [link.uri.removeprefix(PUBLIC) for link in links]


async def lines(connection: "Connection") -> list[str]:
    rows = await connection.fetch("SELECT reader FROM accesses WHERE what = 'photo' ORDER BY access_id")
    return [row["reader"] for row in rows]


async def test_a_press_answers_with_links_that_open_the_photos(
    card: DeskCard, staff_turn: Turn, browser: aiohttp.ClientSession, connection: "Connection"
) -> None:
    assert [action.action_id for action in card.actions][-1] == "photos"
    response = await staff_turn(press(card))
    assert "10分間" in response.messages[0].text.text
    assert [message.link.label for message in response.messages[1:]] == ["通報の写真 1", "通報の写真 2"]
    assert await lines(connection) == [], "made is not used"
    for path in paths(response):
        async with browser.get(path) as answer:
            assert answer.status == 200
            assert answer.content_type == "image/jpeg"
            assert Image.open(BytesIO(await answer.read())).size == (400, 300)
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert answer.headers["Content-Disposition"] == 'inline; filename="photo.jpg"'
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert await lines(connection) == ["link/desk/roads-chuo/staff/staff-道路係 担当1"] * 2


async def test_a_link_lives_for_ten_minutes(
    card: DeskCard, staff_turn: Turn, browser: aiohttp.ClientSession, clock: ManualClock, connection: "Connection"
) -> None:
    path = paths(await staff_turn(press(card)))[0]
    clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    async with browser.get(path) as answer:
        assert answer.status == 200
    clock.advance(timedelta(seconds=1))
    async with browser.get(path) as answer:
        assert answer.status == 404
        assert answer.content_type == "text/html"
    assert len(await lines(connection)) == 1


async def test_a_link_that_was_changed_opens_nothing(
    card: DeskCard, staff_turn: Turn, browser: aiohttp.ClientSession
) -> None:
    path = paths(await staff_turn(press(card)))[0]
    said, _, seal = path.rpartition("/")[2].partition(".")
    other = seal[:-1] + ("1" if seal.endswith("0") else "0")
    wrong = (f"{said}A.{seal}", f"{said}.{other}", f"{said}.", said, f".{seal}", f"{said}.{seal}.{seal}", "写真")
    for token in wrong:
        async with browser.get(f"/photos/{token}") as answer:
            assert answer.status == 404, token


@pytest.mark.parametrize("since", ["handed over", "taken back"])
async def test_a_link_opens_only_what_the_desk_may_see_now(
    since: str, card: DeskCard, staff_turn: Turn, say: Turn, browser: aiohttp.ClientSession
) -> None:
    path = paths(await staff_turn(press(card)))[0]
    if since == "handed over":
        await staff_turn(press(card, action="handover", desk="front", words="担当ちがい"))
    else:
        await say("hana", wire.Retract(event_id="e1"), session="")
    async with browser.get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("accepted", "lang", "words"),
    [
        ("", "ja", "カードの「写真を開く」をもう一度押してください"),
        ("fr-CH, en-GB;q=0.9, ja;q=0.8", "en", "Press &quot;Open photos&quot; on the card again"),
        ("ko-KR", "ko", "사진 열기"),
        ("zh-Hant-TW,zh-Hant", "zh-Hant", "開啟照片"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8", "zh-Hant", "開啟照片"),
        ("zh-CN,zh;q=0.9", "zh-Hans", "打开照片"),
        ("<script>", "ja", "10分間だけ"),
    ],
)
async def test_an_old_link_says_in_the_readers_language_how_to_go_on(
    accepted: str, lang: str, words: str, browser: aiohttp.ClientSession
) -> None:
    async with browser.get("/photos/old", headers={"Accept-Language": accepted}) as answer:
        page = await answer.text()
        assert (answer.status, answer.content_type, answer.charset) == (404, "text/html", "utf-8")
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
        assert "Content-Disposition" not in answer.headers
    assert f'<html lang="{lang}">' in page
    assert page.count("<h1>") == page.count("<main>") == 1
    assert words in page


async def test_who_is_not_at_the_desk_gets_no_link(card: DeskCard, staff_turn: Turn) -> None:
    assert paths(await staff_turn(press(card), desks=("front",), name="別の担当")) == []
    response = await staff_turn(press(card, at="front"), desks=("front",), name="別の担当")
    assert paths(response) == []
    assert "別の担当課に引き継がれています" in response.messages[0].text.text


async def test_photos_that_are_gone_have_no_links(card: DeskCard, card_of: CardOf, staff_turn: Turn, say: Turn) -> None:
    await say("hana", wire.Retract(event_id="e1"), session="")
    assert len(paths(await staff_turn(press(card)))) == 1
    await say("hana", wire.Retract(event_id="e2"), session="")
    response = await staff_turn(press(card))
    assert (paths(response), response.messages[0].text.text) == ([], "開ける写真はありません。")
    assert "photos" not in [action.action_id for action in (await card_of(card.number)).actions]


def test_a_link_of_another_release_is_none_of_ours(clock: ManualClock) -> None:
    def sealing(key: str) -> Callable[[str, str], str]:
        return lambda purpose, text: f"{hash((key, purpose, text)) % 16**8:08x}" * 8

    at = clock.now() + timedelta(minutes=5)
    claim = PhotoClaim("fukuoka", "r", "p", PhotoSize.THUMBNAIL, "front", "s", at)
    ours, theirs = SealedPhotoLinks(PUBLIC, sealing("ours")), SealedPhotoLinks(PUBLIC, sealing("theirs"))
    token = ours.link(claim).rpartition("/")[2]
    assert ours.claim(token, clock.now()) == claim
    assert theirs.claim(token, clock.now()) is None
    assert SealedPhotoLinks("", sealing("ours")).link(claim) == ""
