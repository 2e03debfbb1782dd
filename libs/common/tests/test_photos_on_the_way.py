"""A photo on its way from a platform's host to the pod that keeps it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from chatting import OnTheWay

from machi.channel.v1.events_pb2 import InboundEvent, MediaSent
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import (
    DialogueServiceServicer,
    add_DialogueServiceServicer_to_server,
)
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.conversation import DownloadFailed, InstalledOpenings, NoPhoto, People, Talkers, Turns, Writer
from machi_sdk.conversation.downloads import LIMITS, MOST_BYTES, download
from machi_sdk.conversation.talkers import PHOTO_SECONDS, Fetch
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import Bulkheads, EarlierMessages, PendingEvent
from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import Calls, Manifest, Serves
from machi_sdk.rpc import Peers
from machi_sdk.rpc.calls import LONGEST_CALL_MS
from machi_sdk.testing import LocalRelease, wait_until
from machi_sdk.work import Work, Works

if TYPE_CHECKING:
    import asyncpg

DIALOGUE = "machi.dialogue.v1.DialogueService"
ALBUM = Manifest(name="album", version="1", owner="sdk", serves=(Serves(service=DIALOGUE),))
CHANNEL = Manifest(name="channel", version="1", owner="sdk", calls=(Calls(pod="album", services=(DIALOGUE,)),))
PIECE = b"x" * 65_536


class Album(DialogueServiceServicer):
    """Reads no further than it has to."""

    async def PutMedia(
        self, request_iterator: AsyncIterator[wire.PutMediaRequest], context: object
    ) -> wire.PutMediaResponse:
        header = (await anext(aiter(request_iterator))).header
        if header.event_id == "resting":
            raise Unavailable("shelf-resting")
        if header.event_id == "known":
            return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_STORED, media_id="kept before")
        if header.event_id == "endless":
            await asyncio.Event().wait()
        size = sum([len(part.chunk) async for part in request_iterator])
        return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_STORED, media_id=str(size))


async def pieces() -> AsyncIterator[bytes]:
    """A photo as phones make them: four megabytes."""
    for _ in range(64):
        yield PIECE


async def fetched() -> tuple[str, AsyncIterator[bytes]]:
    return "image/jpeg", pieces()


@pytest.mark.integration
async def test_a_pod_may_answer_before_it_has_read_the_photo(release: LocalRelease) -> None:
    await release.serve(ALBUM, add_DialogueServiceServicer_to_server, Album())  # type: ignore[abstract]
    await release.install(CHANNEL)
    talkers = Talkers(release.peers("channel"), Bulkheads())

    async def put(event_id: str) -> str:
        header = wire.MediaHeader(event_id=event_id)
        return (await talkers.put_photo("fukuoka", "album", header, fetched)).media_id

    assert [await put("known"), await put("new")] == ["kept before", str(64 * len(PIECE))]
    with pytest.raises(Unavailable, match="shelf-resting"):
        await put("resting")


@pytest.mark.integration
async def test_a_photo_that_is_not_through_in_time_says_so(
    release: LocalRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    await release.serve(ALBUM, add_DialogueServiceServicer_to_server, Album())  # type: ignore[abstract]
    await release.install(CHANNEL)
    monkeypatch.setattr("machi_sdk.conversation.talkers.PHOTO_SECONDS", 0.5)
    talkers = Talkers(release.peers("channel"), Bulkheads())
    with pytest.raises(Unavailable, match="photo-too-slow"):
        await talkers.put_photo("fukuoka", "album", wire.MediaHeader(event_id="endless"), fetched)


async def test_few_photos_share_the_line_at_once() -> None:
    talkers, gate = Talkers(cast("Peers", None), Bulkheads()), asyncio.Event()
    under_way, most = 0, 0

    async def fetch() -> tuple[str, AsyncIterator[bytes]]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        raise NoPhoto

    sent = [talkers.put_photo("fukuoka", "album", wire.MediaHeader(), fetch) for _ in range(8)]
    waiting = asyncio.gather(*sent, return_exceptions=True)
    await wait_until(lambda: under_way == 4)
    gate.set()
    assert [type(each) for each in await waiting] == [NoPhoto] * 8
    assert most == 4


async def test_a_platform_that_refuses_us_is_no_failure_of_the_pod() -> None:
    talkers = Talkers(cast("Peers", None), Bulkheads())

    async def fetch() -> tuple[str, AsyncIterator[bytes]]:
        raise Unavailable("slack-missing-scope")

    for _ in range(7):
        with pytest.raises(Unavailable, match="slack-missing-scope"):
            await talkers.put_photo("kobe", "album", wire.MediaHeader(), fetch)


def test_a_photo_has_the_time_that_a_narrow_line_takes() -> None:
    assert LIMITS.total is not None
    assert MOST_BYTES * 8 / LIMITS.total < 1_000_000, "bits a second"
    assert LIMITS.total < PHOTO_SECONDS, "a slow download is known as one"
    assert LIMITS.sock_read is not None, "nobody waits for a host that fell silent"
    assert PHOTO_SECONDS * 1000 < LONGEST_CALL_MS, "a connection that is to be renewed does not cut it off"


class Gallery:
    """`Content` of which each photo is there."""

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        return await fetched()


class Unlucky(Talkers):
    """Hands no photo over, and remembers the turns."""

    def __init__(self, error: Exception) -> None:
        super().__init__(cast("Peers", None), Bulkheads())
        self.error = error
        self.turns: list[str | None] = []

    async def put_photo(self, tenant: str, pod: str, header: wire.MediaHeader, fetch: Fetch) -> wire.PutMediaResponse:
        raise self.error

    async def turn(self, tenant: str, pod: str, request: wire.TurnRequest) -> wire.TurnResponse:
        self.turns.append(request.WhichOneof("input"))
        return wire.TurnResponse()


class Rows:
    """`machi_sdk.work.Works`, asked whether another event of the person waits."""

    def __init__(self, *waiting: str) -> None:
        self.waiting = list(waiting)

    async def alone(self, _statement: str, *_arguments: object) -> list[str]:
        return self.waiting


async def take_photo(talkers: Talkers, age: timedelta, reason: str, rows: Rows | None = None) -> None:
    """Take the turn of somebody who sent a photo so long ago, whose last try was put off for that reason."""
    event = InboundEvent(event_id="e-1", address="U1", media=MediaSent(content_id="1")).SerializeToString()
    row = {"id": 1, "tenant": "fukuoka", "payload": event, "trace": "{}", "state": "waiting", "stored": None}
    row |= {
        "pod": "",
        "reply_mark": "",
        "reason": reason,
        "tries": 2,
        "received_at": datetime.now(UTC) - age,
        "focus_version": None,
    }
    pending = PendingEvent(cast("asyncpg.Record", row), cast("Works[Work]", rows or Rows()))
    people, earlier = cast("People", SimpleNamespace(channel="line")), cast("EarlierMessages", None)
    turns = Turns(people, talkers, InstalledOpenings(InstalledPods()), earlier, OnTheWay())
    writer = Writer("c-1", "en", identity.Focus(pod="album", session_id="s-1"))
    await turns.take(pending, writer, Gallery())


SOON, LATE = timedelta(minutes=1), timedelta(minutes=3)
TOO_SLOW, FULL, RESTING = Unavailable("photo-too-slow"), Unavailable("bulkhead-full"), Unavailable("shelf-resting")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TOO_SLOW, "photo-too-slow"),
        (TOO_SLOW, "photo-download"),
        (DownloadFailed(), "photo-download"),
        (DownloadFailed(), "photo-too-slow"),
    ],
)
async def test_a_photo_that_never_comes_through_holds_nobody_up_for_ever(error: Exception, reason: str) -> None:
    talkers = Unlucky(error)
    await take_photo(talkers, LATE, reason)
    assert talkers.turns == ["unsupported"]


@pytest.mark.parametrize(
    ("error", "age", "reason", "new_reason"),
    [
        (TOO_SLOW, SOON, "photo-too-slow", "photo-too-slow"),
        (TOO_SLOW, LATE, "peer-down", "photo-too-slow"),
        (DownloadFailed(), LATE, "peer-down", "photo-download"),
        (FULL, LATE, "peer-down", "bulkhead-full"),
        (FULL, LATE, "photo-too-slow", "photo-too-slow"),
        (RESTING, LATE, "shelf-resting", "shelf-resting"),
    ],
)
async def test_a_photo_that_may_come_through_is_waited_for(
    error: Exception, age: timedelta, reason: str, new_reason: str
) -> None:
    talkers = Unlucky(error)
    with pytest.raises(Unavailable, match=f"^{new_reason}$"):
        await take_photo(talkers, age, reason)
    assert talkers.turns == []


@pytest.mark.parametrize("error", [TOO_SLOW, DownloadFailed()])
async def test_what_was_written_after_a_photo_does_not_wait_for_it_as_long(error: Exception) -> None:
    talkers = Unlucky(error)
    await take_photo(talkers, SOON, "photo-download", Rows("stop messages"))
    assert talkers.turns == ["unsupported"]
    with pytest.raises(Unavailable):
        await take_photo(talkers, timedelta(seconds=5), "photo-download", Rows("stop messages"))


@asynccontextmanager
async def host(status: int, content_type: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A content host that answers every request so, and a client of it."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=PIECE, content_type=content_type)

    app = web.Application()
    app.add_routes([web.get("/photo", answer)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield session, str(server.make_url("/photo"))


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/octet-stream"])
async def test_what_may_be_a_photo_is_fetched(content_type: str) -> None:
    async with host(200, content_type) as (session, address):
        named, chunks = await download(session, address, {})
        assert (named, b"".join([chunk async for chunk in chunks])) == (content_type, PIECE)


@pytest.mark.parametrize(
    ("status", "content_type"),
    [(200, "text/html"), (200, "application/json"), (302, "text/html"), (404, "image/jpeg"), (202, "image/jpeg")],
)
async def test_what_is_surely_none_is_not(status: int, content_type: str) -> None:
    async with host(status, content_type) as (session, address):
        with pytest.raises(NoPhoto):
            await download(session, address, {})


@pytest.mark.parametrize("status", [202, 429, 500])
async def test_what_may_come_later_is_waited_for(status: int) -> None:
    async with host(status, "image/jpeg") as (session, address):
        with pytest.raises(DownloadFailed):
            await download(session, address, {}, later=(202,))


async def test_what_an_operator_has_to_mend_is_no_missing_photo() -> None:
    async with host(401, "application/json") as (session, address):
        with pytest.raises(Unavailable, match="platform-401"):
            await download(session, address, {}, denied=(401,))
