"""Hands each photo to a process of its own, few at once, each with a deadline."""

import asyncio
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

from machi_reports.adapters.photo_decoder import NOT_A_PHOTO, OK, TOO_LARGE
from machi_reports.ports import CleanPhoto, PhotoVerdict
from machi_sdk.errors import Unavailable

AT_ONCE = 2
_DECODE_SECONDS = 10.0  # twice the bound on computing time, for a machine that is busy
_QUEUE_SECONDS = 10.0
_COMMAND = (sys.executable, "-I", "-m", "machi_reports.adapters.photo_decoder")
# Whoever stops the pod may stop its children with it: that says nothing about the photo.
_STOPPED = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)


class ProcessPhotoWorker:
    """`ports.PhotoWorker`: costs nothing until the first photo, and nothing between photos."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def cleaned(self, photo: bytes) -> CleanPhoto | PhotoVerdict:
        """See the port. Unavailable when too many wait."""
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self._slots.acquire()
        except TimeoutError as error:
            raise Unavailable("photo-worker-busy") from error
        try:
            return await self._decoded(photo)
        finally:
            self._slots.release()

    async def _decoded(self, photo: bytes) -> CleanPhoto | PhotoVerdict:
        process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        try:
            async with asyncio.timeout(_DECODE_SECONDS):
                jpegs, _ = await process.communicate(photo)
        except TimeoutError:
            return PhotoVerdict.NOT_A_PHOTO
        finally:
            await _ended(process)
        return verdict_of(process.returncode, jpegs)


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
