"""Few photos are in memory at once: the others are not read before there is a place, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from photo_samples import a_photo

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.colleagues import RpcColleagues
from machi_reports.adapters.consents import RpcConsents
from machi_reports.adapters.photo_worker import PLACES, ProcessPhotoWorker
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.entrypoints.desk_view import DeskView
from machi_reports.entrypoints.media import Media
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.errors import Unavailable
from machi_sdk.rpc import Call
from machi_sdk.service import Pod

pytestmark = pytest.mark.integration
HEADER = wire.MediaHeader(event_id="e1", citizen_id="hana")
CALL = Call("channel-line", "fukuoka")


@pytest.fixture
def worker() -> ProcessPhotoWorker:
    return ProcessPhotoWorker()


@pytest.fixture
def media(pod: Pod, shelf: Shelf, worker: ProcessPhotoWorker) -> Media:
    works = pod.works(ReportsWork, CONSTRAINTS)
    catalogues, consents = MemoryCatalogues(works), RpcConsents(pod.peers, 1)
    view = DeskView(works, catalogues, consents, RpcColleagues(pod.peers), shelf, linked=False, clock=shelf.clock)
    return Media(works, shelf, worker, view)


async def test_no_byte_is_read_before_there_is_a_place(
    media: Media, worker: ProcessPhotoWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_reports.adapters.photo_worker._PLACE_SECONDS", 0.05)
    read: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        read.append(photo := a_photo(size=(64, 48)))
        yield photo

    async with AsyncExitStack() as others:
        for _ in range(PLACES):
            await others.enter_async_context(worker.place())
        with pytest.raises(Unavailable, match="photo-worker-busy"):
            await media.put(HEADER, chunks(), CALL)
        assert read == []
    assert (await media.put(HEADER, chunks(), CALL)).verdict == wire.MEDIA_VERDICT_STORED


async def test_who_sends_too_slowly_gives_the_place_back(
    media: Media, worker: ProcessPhotoWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_reports.entrypoints.media._READ_SECONDS", 0.05)

    async def never_done() -> AsyncIterator[bytes]:
        yield b"\xff\xd8"
        await asyncio.Event().wait()

    with pytest.raises(Unavailable, match="photo-too-slow"):
        await media.put(HEADER, never_done(), CALL)
    async with AsyncExitStack() as all_places, asyncio.timeout(5):
        for _ in range(PLACES):
            await all_places.enter_async_context(worker.place())
