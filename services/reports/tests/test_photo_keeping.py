"""Photos lie in the store, rows name them: nothing is lost, and nothing is left for ever, whoever dies in between."""

import asyncio
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from grpc.aio import AioRpcError
from photo_samples import a_photo

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_reports.domain.photo import LOOSE_FOR, MOST_LOOSE, MOST_PHOTOS, CleanPhoto, StoredPhoto
from machi_reports.entrypoints.photo_upkeep import PhotoUpkeep
from machi_reports.use_cases.keep_photo import Arrival, keep_photo
from machi_reports.use_cases.shelf import Shelf
from machi_reports.use_cases.write_photo import write_photo
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.testing import PodDatabase

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

pytestmark = pytest.mark.integration
KEEPING = Path(__file__).parent / "programs" / "keeping.py"
TENANT = "fukuoka"
CLEAN = CleanPhoto(b"whole", b"small")
SECOND = timedelta(seconds=1)
Say = Callable[..., Awaitable[wire.TurnResponse]]
CardOf = Callable[..., Awaitable[DeskCard]]
Objects = Callable[[], list[str]]
Photo = Callable[..., Awaitable[str]]
LookAt = Callable[..., Awaitable[bytes]]
OLD_ROW = (
    "UPDATE photos SET jpeg = $1, object_key = '', whole_size = 0, whole_sha256 = '', thumbnail_size = 0,"
    " thumbnail_sha256 = ''"
)


@pytest.fixture
def alone(database: PodDatabase, tmp_path: Path, clock: ManualClock) -> Callable[..., int]:
    """Do something in a process of its own that may die at a place; how it ended (0, or -9)."""

    def run(what: str, *rest: str, crash_at: str = "") -> int:
        store = (tmp_path / "objects").as_uri()
        command = [sys.executable, str(KEEPING), database.url, store, what, clock.now().isoformat(), *rest]
        environment = {**os.environ, "CRASH_AT": crash_at}
        photo = a_photo(size=(64, 48))
        done = subprocess.run(command, env=environment, input=photo, capture_output=True, check=False, timeout=60)
        assert done.returncode in (0, -9), done.stderr.decode()
        return done.returncode

    return run


async def counted(connection: "Connection") -> tuple[int, int]:
    """Rows of photos and of objects."""
    photos = await connection.fetchval("SELECT count(*) FROM photos")
    return photos, await connection.fetchval("SELECT count(*) FROM photo_objects")


async def test_rows_hold_references_sizes_and_hashes_only(
    put_photo: Photo, connection: "Connection", objects: Objects, tmp_path: Path
) -> None:
    await put_photo("hana", "e1")
    row = await connection.fetchrow("SELECT * FROM photos")
    assert row is not None
    assert re.fullmatch(r"fukuoka/[\w-]{32}", row["object_key"])
    assert row["jpeg"] is None
    for size in ("whole", "thumbnail"):
        content = (tmp_path / "objects" / f"{row['object_key']}-{size}.jpg").read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (row[f"{size}_size"], row[f"{size}_sha256"])
    assert len(objects()) == 2


async def test_the_same_event_keeps_one_photo(put_photo: Photo, objects: Objects) -> None:
    first = await put_photo("hana", "e1")
    assert await put_photo("hana", "e1") == first
    assert len(objects()) == 2


async def test_tries_of_one_event_at_once_leave_one_photo(
    *,
    file_with_photos: Photo,
    shelf: Shelf,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    connection: "Connection",
    objects: Objects,
) -> None:
    await file_with_photos("hana", "e1")
    ids = await asyncio.gather(*(keep_photo(Arrival(TENANT, "hana", "e1"), CLEAN, shelf) for _ in range(4)))
    assert len(set(ids)) == 1
    assert len(objects()) == 10
    clock.advance(LOOSE_FOR)
    await upkeep.round(TENANT)
    assert len(objects()) == 2, "what no row names is swept, what the case has stays"
    assert await counted(connection) == (1, 1)


async def test_what_is_written_and_never_named_is_swept_after_two_days(
    shelf: Shelf, upkeep: PhotoUpkeep, clock: ManualClock, connection: "Connection", objects: Objects
) -> None:
    await write_photo(TENANT, CLEAN, shelf)
    clock.advance(LOOSE_FOR - SECOND)
    await upkeep.round(TENANT)
    assert len(objects()) == 2, "a writer may still be about to name it"
    clock.advance(SECOND)
    await upkeep.round("sapporo")
    assert len(objects()) == 2, "it is another tenant's"
    await upkeep.round(TENANT)
    assert objects() == []
    assert await counted(connection) == (0, 0)


@pytest.mark.parametrize("swept", ["claimed", "gone"])
async def test_a_writer_that_comes_too_late_stores_nothing(
    swept: str, shelf: Shelf, upkeep: PhotoUpkeep, clock: ManualClock, connection: "Connection"
) -> None:
    lying = await write_photo(TENANT, CLEAN, shelf)
    clock.advance(LOOSE_FOR)
    if swept == "gone":
        await upkeep.round(TENANT)
    else:
        async with shelf.begin(TENANT) as city:
            assert await city.photo_objects.claim(clock.now(), 10) == [lying.key]
    with pytest.raises(Unavailable, match="photo-object-swept"):
        async with shelf.begin(TENANT) as city:
            await city.photos.add(StoredPhoto("p", "hana", "e1", lying), clock.now())
    assert (await counted(connection))[0] == 0


async def test_a_loose_photo_is_dropped_after_two_days(
    put_photo: Photo, upkeep: PhotoUpkeep, clock: ManualClock, connection: "Connection", objects: Objects
) -> None:
    await put_photo("hana", "e1")
    clock.advance(LOOSE_FOR)
    await upkeep.round(TENANT)
    assert len(objects()) == 2
    clock.advance(SECOND)
    await upkeep.round(TENANT)
    assert objects() == []
    assert await counted(connection) == (0, 0)


async def test_a_photo_lives_as_long_as_the_conversation_that_may_file_it(
    put_photo: Photo, say: Say, upkeep: PhotoUpkeep, clock: ManualClock, objects: Objects
) -> None:
    await put_photo("hana", "e1")
    await put_photo("jiro", "e2")
    clock.advance(timedelta(hours=40))
    await say("hana", "/report")
    clock.advance(timedelta(hours=71))
    await upkeep.round(TENANT)
    assert len(objects()) == 2, "hana may go on, jiro has begun nothing"
    clock.advance(timedelta(hours=1))
    await upkeep.round(TENANT)
    assert objects() == []


async def test_of_photos_without_a_report_a_person_has_the_newest_few(
    put_photo: Photo, upkeep: PhotoUpkeep, connection: "Connection", objects: Objects, clock: ManualClock
) -> None:
    await put_photo("jiro", "of-jiro")
    for number in range(MOST_LOOSE + 2):
        clock.advance(SECOND)
        await put_photo("hana", f"e{number}")
    await upkeep.round(TENANT)
    kept = await connection.fetch("SELECT event_id FROM photos ORDER BY stored_at")
    assert [row["event_id"] for row in kept] == ["of-jiro", *(f"e{number}" for number in range(2, MOST_LOOSE + 2))]
    assert len(objects()) == 2 * len(kept)


async def test_an_album_takes_no_photo_from_the_report_that_is_being_written(
    put_photo: Photo, say: Say, connection: "Connection", clock: ManualClock
) -> None:
    for words in ("/report", "=road", "=pothole", (33.5903, 130.3989)):
        await say("hana", words)
    for number in range(MOST_PHOTOS + MOST_LOOSE + 2):
        clock.advance(SECOND)
        photo = wire.Photo(media_id=await put_photo("hana", f"e{number}"))
        asked = await say("hana", photo, event_id=f"e{number}")
    for words in ("穴があります", "=yes", "=yes"):
        assert asked.session_state == wire.SESSION_STATE_OPEN
        asked = await say("hana", words)
    in_case = await connection.fetch("SELECT event_id FROM photos WHERE report_id IS NOT NULL ORDER BY position")
    assert [row["event_id"] for row in in_case] == [f"e{number}" for number in range(MOST_PHOTOS)]
    assert (await counted(connection))[0] == MOST_PHOTOS + MOST_LOOSE


async def test_an_album_takes_no_photo_that_the_way_back_from_a_correction_brings_back(
    put_photo: Photo, say: Say, connection: "Connection", clock: ManualClock
) -> None:
    for words in ("/report", "=road", "=pothole", (33.5903, 130.3989)):
        await say("hana", words)
    await say("hana", wire.Photo(media_id=await put_photo("hana", "first")), event_id="first")
    for words in ("!skip", "穴があります", "=yes", "=change"):
        asked = await say("hana", words)
    photos = next(option.option_id for option in asked.ask.choice.options if option.label == "写真")
    assert (await say("hana", f"={photos}")).ask.key == "photo"
    for number in range(MOST_LOOSE + 1):
        clock.advance(SECOND)
        await put_photo("hana", f"e{number}")
    assert (await say("hana", "!back")).ask.key == "confirm"
    await say("hana", "=yes")
    in_case = await connection.fetch("SELECT event_id FROM photos WHERE report_id IS NOT NULL")
    assert [row["event_id"] for row in in_case] == ["first"]


async def test_a_photo_of_a_case_is_never_swept(
    file_with_photos: Photo,
    card_of: CardOf,
    look_at: LookAt,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
) -> None:
    card = await card_of(await file_with_photos("hana", "e1"))
    clock.advance(timedelta(days=3000))
    await upkeep.round(TENANT)
    assert (await look_at(card)).startswith(b"\xff\xd8")
    assert len(await look_at(card, small=True)) < len(await look_at(card))


@pytest.mark.usefixtures("pod")
async def test_who_dies_after_writing_leaves_nothing_for_ever(
    alone: Callable[..., int], clock: ManualClock, connection: "Connection", objects: Objects
) -> None:
    assert alone("keep", "hana", "e1", crash_at="after_photo_written") == -9
    assert len(objects()) == 2
    assert await counted(connection) == (0, 1)
    assert alone("keep", "hana", "e1") == 0, "the retry keeps the photo"
    assert len(objects()) == 4
    await connection.execute("UPDATE photos SET stored_at = stored_at + interval '1 day'")
    clock.advance(LOOSE_FOR)
    assert alone("upkeep") == 0
    assert len(objects()) == 2, "of the first try nothing is left, of the second everything"
    assert await counted(connection) == (1, 1)


@pytest.mark.parametrize("place", ["after_photos_claimed", "after_photos_deleted"])
async def test_who_dies_while_deleting_is_followed_by_another(
    place: str,
    *,
    file_with_photos: Photo,
    say: Say,
    alone: Callable[..., int],
    clock: ManualClock,
    connection: "Connection",
    objects: Objects,
) -> None:
    await file_with_photos("hana", "e1")
    await say("hana", wire.Retract(event_id="e1"), session="")
    assert alone("upkeep", crash_at=place) == -9
    assert await counted(connection) == (1, 1)
    assert alone("upkeep") == 0
    assert (await counted(connection))[1] == 1, "for a minute it is the first one's to delete"
    clock.advance(timedelta(minutes=1))
    assert alone("upkeep") == 0
    assert objects() == []
    assert await counted(connection) == (1, 0)


async def test_what_cannot_be_deleted_now_is_deleted_later(
    *,
    file_with_photos: Photo,
    say: Say,
    upkeep: PhotoUpkeep,
    clock: ManualClock,
    objects: Objects,
    tmp_path: Path,
) -> None:
    await file_with_photos("hana", "e1")
    await say("hana", wire.Retract(event_id="e1"), session="")
    folder = tmp_path / "objects" / TENANT
    folder.rename(tmp_path / "away")
    folder.write_text("where the folder was")
    with pytest.raises(Unavailable):
        await upkeep.round(TENANT)
    folder.unlink()
    (tmp_path / "away").rename(folder)
    clock.advance(timedelta(minutes=1))
    await upkeep.round(TENANT)
    assert objects() == []


async def test_old_rows_are_read_until_they_are_moved(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    look_at: LookAt,
    upkeep: PhotoUpkeep,
    connection: "Connection",
    objects: Objects,
) -> None:
    card = await card_of(await file_with_photos("hana", "e1"))
    jpeg = await look_at(card)
    await connection.execute(OLD_ROW, jpeg)
    assert await look_at(card) == jpeg
    assert await look_at(card, small=True) == jpeg
    await upkeep.round(TENANT)
    row = await connection.fetchrow("SELECT jpeg, object_key FROM photos")
    assert row is not None
    assert row["jpeg"] is None
    assert {f"{row['object_key']}-{size}.jpg" for size in ("whole", "thumbnail")} <= set(objects())
    assert await look_at(card) == jpeg, "not a byte of it changed"
    assert len(await look_at(card, small=True)) < len(jpeg)
    assert not await upkeep.round(TENANT)
    assert len(objects()) == 4, "moved once"


async def test_thousands_of_old_photos_move_a_few_at_a_time(
    put_photo: Photo, upkeep: PhotoUpkeep, connection: "Connection"
) -> None:
    await put_photo("hana", "e1")
    await connection.execute(OLD_ROW, a_photo(size=(64, 48)))
    await connection.execute(
        "INSERT INTO photos (tenant, photo_id, citizen_id, event_id, jpeg, stored_at)"
        " SELECT tenant, photo_id || n, citizen_id, event_id || n, jpeg, stored_at"
        " FROM photos, generate_series(1, 24) AS n"
    )
    assert await upkeep.round(TENANT), "there is more"
    assert await connection.fetchval("SELECT count(*) FROM photos WHERE jpeg IS NOT NULL") == 5
    assert not await upkeep.round(TENANT)
    assert await connection.fetchval("SELECT count(DISTINCT object_key) FROM photos WHERE jpeg IS NULL") == 25


async def test_an_object_that_is_not_what_was_written_is_not_shown(
    file_with_photos: Photo, card_of: CardOf, look_at: LookAt, objects: Objects, tmp_path: Path
) -> None:
    card = await card_of(await file_with_photos("hana", "e1"))
    for name in objects():
        (tmp_path / "objects" / name).write_bytes(b"<html>")
    with pytest.raises((Missing, AioRpcError), match="photo-damaged"):
        await look_at(card)
    for name in objects():
        (tmp_path / "objects" / name).unlink()
    with pytest.raises((Missing, AioRpcError), match="photo-object-missing"):
        await look_at(card)


async def test_who_dies_while_moving_loses_nothing(
    *,
    file_with_photos: Photo,
    card_of: CardOf,
    look_at: LookAt,
    alone: Callable[..., int],
    clock: ManualClock,
    connection: "Connection",
    objects: Objects,
) -> None:
    card = await card_of(await file_with_photos("hana", "e1"))
    jpeg = await look_at(card)
    await connection.execute(OLD_ROW, jpeg)
    await connection.execute("DELETE FROM photo_objects")
    assert alone("upkeep", crash_at="after_photo_written") == -9
    assert await look_at(card) == jpeg
    assert alone("upkeep") == 0
    assert await look_at(card) == jpeg
    clock.advance(LOOSE_FOR)
    assert alone("upkeep") == 0
    assert len(objects()) == 4, "the first one of all, which nobody knows of, and the moved one"
    assert await counted(connection) == (1, 1)


async def test_an_old_photo_taken_back_is_gone_at_once(
    file_with_photos: Photo, say: Say, upkeep: PhotoUpkeep, connection: "Connection"
) -> None:
    await file_with_photos("hana", "e1")
    await connection.execute(OLD_ROW, a_photo())
    await say("hana", wire.Retract(event_id="e1"), session="")
    await upkeep.round(TENANT)
    row = await connection.fetchrow("SELECT jpeg, object_key, removal FROM photos")
    assert row is not None
    assert (row["jpeg"], row["object_key"], row["removal"]) == (None, "", "taken-back")
