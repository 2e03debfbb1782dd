"""What is no photo, or a photo made to do harm: refused, in bounded time, and never with an error."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_samples import (
    KINDS,
    SECRET,
    Size,
    a_photo,
    avif,
    heic_of_tiles,
    heic_that_says,
    jpeg_of_many_scans,
    jpeg_of_size,
    moving,
    png,
    png_with_bomb,
    png_without_end,
    saved,
    webp_of_canvas,
)
from PIL import Image

from machi_reports.adapters.photo_decoder import NOT_A_PHOTO, OK, TOO_LARGE
from machi_reports.adapters.photo_worker import ProcessPhotoWorker
from machi_reports.domain.photo import CleanPhoto, PhotoVerdict

JUDGING = Path(__file__).parent / "programs" / "judging.py"
SMALL = {kind: a_photo(kind, size=(64, 48)) for kind in KINDS}
NOT_PHOTOS = {
    "empty": b"",
    "words": b"not a photo",
    "head": b"\xff\xd8\xff\xe0",
    "pdf": b"%PDF-1.7",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif": a_photo("GIF"),
    "tiff": a_photo("TIFF"),
    "avif": avif(),
    "avif-as-heic": avif().replace(b"ftypavif", b"ftypmif1"),
    "odd-brand": SMALL["HEIF"].replace(b"ftypheic", b"ftypqt  "),
    "brand-alone": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
    "thin": png(1000, 1000, zlib.compress(b"\0" * 100)),
    "zero": png(0, 0, b""),
}
BOMBS = {
    "text": png_with_bomb(b"zTXt"),
    "animation": moving("PNG", 200),
    "endless": png_without_end(),
    "webp-canvas": webp_of_canvas(16383),
    "tiles": heic_of_tiles(60_000),
    "heic-hidden": heic_that_says((64, 64), saved(Image.new("RGB", (3000, 3000)), "HEIF")),
}


async def judged(photo: bytes) -> CleanPhoto | PhotoVerdict:
    """Clean, or refused; whatever is clean has nothing of the file's words."""
    verdict = await ProcessPhotoWorker().cleaned(photo)
    if isinstance(verdict, CleanPhoto):
        assert SECRET.encode() not in verdict.whole + verdict.thumbnail
        assert verdict.whole.startswith(b"\xff\xd8\xff")
        assert verdict.thumbnail.startswith(b"\xff\xd8\xff")
    return verdict


@pytest.mark.parametrize("name", NOT_PHOTOS)
async def test_what_is_no_photo(name: str) -> None:
    assert await judged(NOT_PHOTOS[name]) is PhotoVerdict.NOT_A_PHOTO


@pytest.mark.parametrize("size", [(50_000, 50_000), (100_000, 501)])
async def test_pixel_bombs_are_refused_unopened(size: Size) -> None:
    bomb = png(*size, zlib.compress(b"\0" * 10_000_000, 9))
    assert await judged(bomb) is PhotoVerdict.TOO_LARGE


@pytest.mark.parametrize(
    "bomb",
    [
        jpeg_of_size(65_500, 65_500),
        webp_of_canvas(5_500),
        heic_that_says((20_000, 20_000), a_photo("HEIF", size=(64, 64))),
        heic_that_says((60_000, 60_000), heic_of_tiles(60_000)),
    ],
    ids=["jpeg", "webp", "heic", "heic-tiles"],
)
async def test_files_that_say_they_are_huge(bomb: bytes) -> None:
    assert await judged(bomb) is PhotoVerdict.TOO_LARGE


@pytest.mark.parametrize("name", BOMBS)
async def test_small_files_that_grow(name: str) -> None:
    verdict = await judged(BOMBS[name])
    assert name in ("animation", "endless") or verdict is PhotoVerdict.NOT_A_PHOTO


async def test_a_profile_that_grows_is_no_profile() -> None:
    assert isinstance(await judged(png_with_bomb(b"iCCP")), CleanPhoto | PhotoVerdict)


async def test_a_photo_that_never_gets_done_is_given_up() -> None:
    assert await judged(jpeg_of_many_scans()) is PhotoVerdict.NOT_A_PHOTO


def judged_together(photos: list[bytes]) -> list[int]:
    """The verdicts on many photos, out of one process that must survive them; what is clean has none of their words."""
    sent = b"".join(struct.pack(">I", len(photo)) + photo for photo in photos)
    command = [sys.executable, "-W", "ignore", str(JUDGING)]
    done = subprocess.run(command, input=sent, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, f"the decoder's process died of a photo: {done.returncode}"
    verdicts, rest = [], done.stdout
    while rest:
        verdict, size = struct.unpack(">II", rest[:8])
        assert SECRET.encode() not in rest[8 : 8 + size]
        verdicts.append(verdict)
        rest = rest[8 + size :]
    assert len(verdicts) == len(photos)
    return verdicts


@pytest.mark.parametrize("kind", KINDS)
def test_photos_that_were_cut_off(kind: str) -> None:
    photo = a_photo(kind)
    cut = [photo[: len(photo) * part // 50] for part in range(50)]
    assert set(judged_together(cut)) == {NOT_A_PHOTO}


@pytest.mark.parametrize("kind", KINDS)
def test_what_hangs_behind_a_photo_is_left_behind(kind: str) -> None:
    tails = (b"PK\x03\x04" + SECRET.encode(), b"<script>" + SECRET.encode(), SMALL["JPEG"], SMALL["HEIF"])
    assert set(judged_together([SMALL[kind] + tail for tail in tails])) == {OK}


@pytest.mark.parametrize("kind", KINDS)
def test_what_begins_as_something_else_is_no_photo(kind: str) -> None:
    heads = (b"%PDF-1.4\n", b"GIF89a", b"<html>", b"#!/bin/sh\n", b"PK\x03\x04")
    assert set(judged_together([head + SMALL[kind] for head in heads])) == {NOT_A_PHOTO}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6)
@given(
    st.lists(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=6)), max_size=6), max_size=40)
)
def test_damaged_photos_are_clean_or_refused(kind: str, damages: list[list[tuple[float, int, bytes]]]) -> None:
    damaged = [_damaged(SMALL[kind], damage) for damage in damages]
    assert set(judged_together(damaged)) <= {OK, NOT_A_PHOTO, TOO_LARGE}


def _damaged(photo: bytes, damage: list[tuple[float, int, bytes]]) -> bytes:
    content = bytearray(photo)
    for part, count, instead in damage:
        at = int(part * len(content))
        content[at : at + count] = instead
    return bytes(content)
