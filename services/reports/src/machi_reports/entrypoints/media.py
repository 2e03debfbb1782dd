"""Photos on their way in and out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.photo import CleanPhoto, PhotoVerdict
from machi_reports.entrypoints.desk_view import DeskView
from machi_reports.ports import PhotoWorker
from machi_reports.telemetry import PHOTOS
from machi_reports.use_cases.keep_photo import Arrival, keep_photo
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.errors import Unavailable
from machi_sdk.rpc import Call
from machi_sdk.telemetry import counter
from machi_sdk.work import Works

MOST_BYTES = 10 * 1024 * 1024
_READ_SECONDS = 45.0
_REFUSED = {
    PhotoVerdict.NOT_A_PHOTO: wire.MEDIA_VERDICT_NOT_A_PHOTO,
    PhotoVerdict.TOO_LARGE: wire.MEDIA_VERDICT_TOO_LARGE,
}


@dataclass(frozen=True)
class Media:
    """`machi_sdk.dialogue.MediaHandler`."""

    works: Works[ReportsWork]
    shelf: Shelf
    worker: PhotoWorker
    view: DeskView

    async def put(self, header: wire.MediaHeader, chunks: AsyncIterator[bytes], call: Call) -> wire.PutMediaResponse:
        """Decode, strip, store; the same event again gets the same photo."""
        async with self.works.begin(call.tenant) as work:
            known = await work.photos.of_event(header.event_id)
        if known is not None:
            return _stored(known)
        self.shelf.store.check()
        async with self.worker.place():
            cleaned = await self._cleaned(chunks)
        counter(PHOTOS).labels(cleaned.value if isinstance(cleaned, PhotoVerdict) else "stored").inc()
        if isinstance(cleaned, PhotoVerdict):
            return wire.PutMediaResponse(verdict=_REFUSED[cleaned])
        arrival = Arrival(call.tenant, header.citizen_id, header.event_id)
        return _stored(await keep_photo(arrival, cleaned, self.shelf))

    async def _cleaned(self, chunks: AsyncIterator[bytes]) -> CleanPhoto | PhotoVerdict:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                photo = await _bounded(chunks)
        except TimeoutError as error:
            raise Unavailable("photo-too-slow") from error
        return PhotoVerdict.TOO_LARGE if photo is None else await self.worker.cleaned(photo)

    async def get(self, request: wire.GetMediaRequest, call: Call) -> bytes:
        """See `DeskView`."""
        return await self.view.photo(request, call)


def _stored(photo_id: str) -> wire.PutMediaResponse:
    return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_STORED, media_id=photo_id)


async def _bounded(chunks: AsyncIterator[bytes]) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            return None
        parts.append(chunk)
    return b"".join(parts)
