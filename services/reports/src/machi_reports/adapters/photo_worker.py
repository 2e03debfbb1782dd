"""Hands each photo to a process of its own, one after the other, each with a deadline."""

import asyncio
import hashlib
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from machi_reports.adapters.photo_decoder import NOT_A_PHOTO, OK, TOO_LARGE
from machi_reports.domain.photo import CleanPhoto, PhotoVerdict
from machi_sdk.errors import Unavailable

AT_ONCE = 1
PLACES = 8  # photos in memory at once, those that are still being read included
KILLS = 5  # so many times a decoder may be killed over one photo, until it is the photo's fault
_REMEMBERED = 100
# Together with reading and storing a photo, all of them fit into the two minutes that a channel waits.
_PLACE_SECONDS = 20.0
_SLOT_SECONDS = 15.0
_DECODE_SECONDS = 20.0  # four times the bound on computing time, for a machine that is busy
_COMMAND = (sys.executable, "-I", "-m", "machi_reports.adapters.photo_decoder")
# Whoever stops the pod may stop its children with it, and who is short of memory kills them: the photo is not why.
_STOPPED = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGKILL)


class ProcessPhotoWorker:
    """`ports.PhotoWorker`: costs nothing until the first photo, and nothing between photos."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(PLACES)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._kills: dict[bytes, int] = {}

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """See the port."""
        async with _one_of(self._places, _PLACE_SECONDS):
            yield

    async def cleaned(self, photo: bytes) -> CleanPhoto | PhotoVerdict:
        """See the port. Unavailable when others take too long, and the first times the decoder is killed over it."""
        async with _one_of(self._slots, _SLOT_SECONDS):
            code, jpegs = await _decoded(photo)
        return self._killed(photo) if code == -signal.SIGKILL else verdict_of(code, jpegs)

    def _killed(self, photo: bytes) -> PhotoVerdict:
        """Memory or time were short where we run: mostly that says nothing about the photo."""
        imprint = hashlib.sha256(photo).digest()
        kills = self._kills.pop(imprint, 0) + 1
        if kills >= KILLS:
            return PhotoVerdict.NOT_A_PHOTO
        self._kills[imprint] = kills
        if len(self._kills) > _REMEMBERED:
            del self._kills[next(iter(self._kills))]
        raise Unavailable("photo-worker-killed")


@asynccontextmanager
async def _one_of(places: asyncio.Semaphore, seconds: float) -> AsyncIterator[None]:
    """Hold one; Unavailable when none comes free in time."""
    try:
        async with asyncio.timeout(seconds):
            await places.acquire()
    except TimeoutError as error:
        raise Unavailable("photo-worker-busy") from error
    try:
        yield
    finally:
        places.release()


async def _decoded(photo: bytes) -> tuple[int | None, bytes]:
    """How the process ended, and what it wrote; one that takes too long is killed."""
    process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    jpegs = b""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_DECODE_SECONDS):
                jpegs, _ = await process.communicate(photo)
    finally:
        await _ended(process)
    return process.returncode, jpegs


def _end_of_first(jpegs: bytes) -> int:
    """Where the second JPEG begins by what the decoder wrote in front; 0 when it wrote less than that."""
    return 4 + int(struct.unpack(">I", jpegs[:4])[0]) if len(jpegs) > 4 else 0


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def verdict_of(code: int | None, jpegs: bytes) -> CleanPhoto | PhotoVerdict:
    """What a process that ended so, and wrote this, has to say about its photo; Unavailable when nothing."""
    match code:
        case _ if code == OK and 4 < (end := _end_of_first(jpegs)) < len(jpegs):
            return CleanPhoto(jpegs[4:end], jpegs[end:])
        case _ if code == TOO_LARGE:
            return PhotoVerdict.TOO_LARGE
        case _ if code == NOT_A_PHOTO or (code is not None and code < 0 and code not in _STOPPED):
            return PhotoVerdict.NOT_A_PHOTO
    raise Unavailable("photo-worker-failed")
