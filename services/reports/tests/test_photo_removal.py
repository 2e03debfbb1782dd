"""Photos leave: by an unsend before and after filing, and when the city's time for keeping them is over."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from google.protobuf.message import Message
from grpc.aio import AioRpcError

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import THREAD_AUTHOR_SYSTEM, DeskCard
from machi.reports.v1.report_service_pb2 import PutCatalogueRequest
from machi_reports.entrypoints.photo_upkeep import PhotoUpkeep
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing
from machi_sdk.rpc import for_tenant

if TYPE_CHECKING:
    import asyncpg

    from machi.reports.v1.report_service_pb2_grpc import ReportServiceAsyncStub

pytestmark = pytest.mark.integration
TENANT = "fukuoka"
DAY = timedelta(days=1)
Turn = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
Objects = Callable[[], list[str]]
Photo = Callable[..., Awaitable[str]]
LookAt = Callable[..., Awaitable[bytes]]
Outbox = Callable[[], Awaitable[list[Message]]]
TAKEN_BACK, TOO_OLD = "（写真1枚は本人が取り消しました）", "（写真1枚は保存期間が過ぎたため削除しました）"


def said_by_nobody(card: DeskCard) -> list[str]:
    return [entry.text for entry in card.thread if entry.author == THREAD_AUTHOR_SYSTEM]


async def test_three_photos_stand_on_the_card_in_order(
    file_with_photos: Photo, card_of: CardOf, look_at: LookAt, put_photo: Photo
) -> None:
    card = await card_of(await file_with_photos("hana", "e1", "e2", "e3"))
    assert [photo.alt_text for photo in card.photos] == [f"通報の写真 {n}" for n in (1, 2, 3)]
    assert [photo.media_id for photo in card.photos] == [await put_photo("hana", f"e{n}") for n in (1, 2, 3)]
    assert all([(await look_at(card, at)).startswith(b"\xff\xd8") for at in range(3)])


async def test_a_photo_taken_back_before_filing_is_not_filed(
    put_photo: Photo, say: Turn, upkeep: PhotoUpkeep, objects: Objects
) -> None:
    for words in ("/report", "=other", (33.5903, 130.3989)):
        await say("hana", words)
    for event_id in ("e1", "e2"):
        await say("hana", wire.Photo(media_id=await put_photo("hana", event_id)), event_id=event_id)
    response = await say("hana", wire.Retract(event_id="e1"))
    assert (response.ask.key, response.ask.photo.maximum) == ("photo", 2)
    await upkeep.round(TENANT)
    assert len(objects()) == 2
    for words in ("!skip", "穴", "=yes"):
        response = await say("hana", words)
    assert {fact.label: fact.value for fact in response.messages[0].card.facts}["写真"] == "1枚"


async def test_photos_can_be_chosen_anew_before_they_are_sent(
    put_photo: Photo, say: Turn, card_of: CardOf, look_at: LookAt
) -> None:
    for words in ("/report", "=road", "=pothole", (33.5903, 130.3989)):
        await say("hana", words)
    await say("hana", wire.Photo(media_id=await put_photo("hana", "e1")), event_id="e1")
    for words in ("穴です", "=yes"):  # who writes has no more photos
        response = await say("hana", words)
    assert response.ask.key == "confirm"
    response = await say("hana", "=change")
    photos = next(option for option in response.ask.choice.options if option.label == "写真")
    response = await say("hana", f"={photos.option_id}")
    assert (response.ask.key, response.ask.photo.maximum) == ("photo", 3)
    await say("hana", wire.Photo(media_id=await put_photo("hana", "e2")), event_id="e2")
    response = await say("hana", "!skip")
    assert response.ask.key == "confirm", "the words stand"
    card = await card_of((await say("hana", "=yes")).messages[0].receipt.number)
    assert [photo.media_id for photo in card.photos] == [await put_photo("hana", "e2")]
    assert (await look_at(card)).startswith(b"\xff\xd8")


@pytest.mark.parametrize("taken", ["e1", "e2"])
async def test_one_photo_of_several_taken_back_after_filing(
    taken: str,
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    look_at: LookAt,
    say: Turn,
    upkeep: PhotoUpkeep,
    objects: Objects,
) -> None:
    number = await file_with_photos("hana", "e1", "e2")
    await say("hana", wire.Retract(event_id=taken), session="")
    await say("hana", wire.Retract(event_id=taken), session="")
    card = await card_of(number)
    assert card.version == 2, "the second time there is nothing to take back"
    assert [photo.gone for photo in card.photos] == [taken == "e1", taken == "e2"]
    assert [photo.alt_text for photo in card.photos] == ["通報の写真 1", "通報の写真 2"], "each keeps its number"
    assert said_by_nobody(card) == [TAKEN_BACK]
    with pytest.raises((Missing, AioRpcError), match="photo is gone"):
        await look_at(card, int(taken == "e2"))
    await upkeep.round(TENANT)
    assert len(objects()) == 2
    assert (await look_at(card, int(taken == "e1"))).startswith(b"\xff\xd8")


async def test_nobody_of_another_city_takes_back_a_photo(file_with_photos: Photo, card_of: CardOf, say: Turn) -> None:
    """Within its city a message is known by its event: whose it was, the platform has checked."""
    number = await file_with_photos("hana", "e1")
    await say("jiro", wire.Retract(event_id="e1"), session="", tenant="sapporo")
    assert not (await card_of(number)).photos[0].gone


async def test_every_desk_that_saw_it_hears_what_was_taken_back(
    file_with_photos: Photo, card_of: CardOf, say: Turn, staff_turn: Turn, outbox: Outbox
) -> None:
    number = await file_with_photos("hana", "e1", "e2")
    card = await card_of(number)
    values = {"desk": "front", "words": "担当ちがい"}
    await staff_turn(wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id="handover", values=values))
    assert not (await card_of(number)).photos, "who handed it over sees no photos"
    before = len(await outbox())
    await say("hana", wire.Retract(event_id="e1"), session="")
    announced = [event.desk_id for event in (await outbox())[before:] if isinstance(event, CardAnnounced)]
    assert sorted(announced) == ["front", "roads-chuo"]
    moved = await card_of(number)
    assert moved.moved
    assert [photo.gone for photo in moved.photos] == [True]
    assert [photo.gone for photo in (await card_of(number, desk="front")).photos] == [True, False]


async def _closed(number: str, card_of: CardOf, staff_turn: Turn) -> None:
    card = await card_of(number)
    press = wire.CardPress(
        card_id=card.card_id, desk_id=card.desk_id, action_id="resolve", values={"words": "直しました"}
    )
    await staff_turn(press)


async def test_photos_of_a_closed_case_are_kept_for_a_year(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    staff_turn: Turn,
    say: Turn,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    objects: Objects,
    outbox: Outbox,
) -> None:
    number, other = await file_with_photos("hana", "e1", "e2"), await file_with_photos("jiro", "e3")
    clock.advance(30 * DAY)
    await _closed(number, card_of, staff_turn)
    clock.advance(10 * DAY)
    await say("hana", f"/rate case={number}")
    await say("hana", "5")
    clock.advance(355 * DAY)
    await upkeep.round(TENANT)
    assert len(objects()) == 6, "a year, to the second"
    before = len(await outbox())
    clock.advance(timedelta(seconds=1))
    await upkeep.round(TENANT)
    assert len(objects()) == 2, "the open case keeps its photo"
    card = await card_of(number)
    assert [photo.gone for photo in card.photos] == [True, True]
    assert said_by_nobody(card) == [TOO_OLD, TOO_OLD]
    assert [type(event).__name__ for event in (await outbox())[before:]] == ["CardAnnounced"]
    await upkeep.round(TENANT)
    assert (await card_of(number)).version == card.version
    assert not (await card_of(other)).photos[0].gone


async def test_a_reopened_case_keeps_its_photos(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    staff_turn: Turn,
    say: Turn,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    objects: Objects,
) -> None:
    number = await file_with_photos("hana", "e1")
    await _closed(number, card_of, staff_turn)
    await say("hana", f"/reopen case={number}")
    await say("hana", "まだ穴があります")
    clock.advance(1000 * DAY)
    await upkeep.round(TENANT)
    assert len(objects()) == 2


async def test_a_duplicates_time_begins_when_its_leading_case_is_closed(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    staff_turn: Turn,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    objects: Objects,
) -> None:
    leading, number = await file_with_photos("taro"), await file_with_photos("hana", "e1")
    card, values = await card_of(number), {"number": leading}
    joined = wire.CardPress(card_id=card.card_id, desk_id=card.desk_id, action_id="duplicate", values=values)
    await staff_turn(joined)
    clock.advance(400 * DAY)
    await _closed(leading, card_of, staff_turn)
    await upkeep.round(TENANT)
    assert len(objects()) == 2, "it can still be reopened"
    clock.advance(366 * DAY)
    await upkeep.round(TENANT)
    assert objects() == []


async def test_the_city_decides_how_long(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    staff_turn: Turn,
    operator: "ReportServiceAsyncStub",
    city_catalogue: Mapping[str, object],
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    objects: Objects,
) -> None:
    await _closed(await file_with_photos("hana", "e1"), card_of, staff_turn)
    shorter = json.dumps({**city_catalogue, "photo_days_after_closing": 30})
    await operator.PutCatalogue(PutCatalogueRequest(catalogue_json=shorter), timeout=30, metadata=for_tenant(TENANT))
    clock.advance(30 * DAY + timedelta(seconds=1))
    await upkeep.round(TENANT)
    assert objects() == []


async def test_what_was_closed_before_moments_were_kept_goes_by_its_last_change(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    staff_turn: Turn,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    connection: "asyncpg.Connection[asyncpg.Record]",
    objects: Objects,
) -> None:
    await _closed(await file_with_photos("hana", "e1"), card_of, staff_turn)
    await connection.execute("UPDATE reports SET closed_at = NULL")
    clock.advance(366 * DAY)
    await upkeep.round(TENANT)
    assert objects() == []
