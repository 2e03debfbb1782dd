"""The photo decoder as its own process runs it, and what its pod makes of whatever that process leaves behind."""

import struct

from machi_reports.adapters.photo_decoder import NOT_A_PHOTO, OK, TOO_LARGE, judged
from machi_reports.adapters.photo_worker import verdict_of
from machi_reports.domain.photo import CleanPhoto
from machi_sdk.errors import Unavailable

JPEG = b"\xff\xd8"


def photo(data: bytes) -> None:
    """Any bytes are two JPEGs, no photo, or too large."""
    verdict, written = judged(data)
    assert verdict in (OK, NOT_A_PHOTO, TOO_LARGE)
    if verdict == OK:
        length = struct.unpack(">I", written[:4])[0]
        assert written[4:].startswith(JPEG)
        assert written[4 + length :].startswith(JPEG)
    else:
        assert not written


def photo_worker(data: bytes) -> None:
    """The first byte is the exit code (signed, as a killed process has it), the rest what was written."""
    code = struct.unpack("b", data[:1])[0] if data else None
    try:
        found = verdict_of(code, data[1:])
    except Unavailable:
        return
    if isinstance(found, CleanPhoto):
        assert found.whole
        assert found.thumbnail
