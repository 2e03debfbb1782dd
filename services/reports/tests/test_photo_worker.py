"""Photos are decoded where a bomb can do no harm, and nothing of their origin is left."""

import asyncio
import struct
import time
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from machi_reports.adapters.photo_worker import ProcessPhotoWorker
from machi_reports.ports import PhotoVerdict

SECRET = "KITANO-SECRET"


def a_photo(kind: str = "JPEG", size: tuple[int, int] = (640, 480), orientation: int = 1) -> bytes:
    image = Image.new("RGB", size, "navy")
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 35.0, 24.0), 3: "E", 4: (130.0, 24.0, 6.0)})
    out = BytesIO()
    if kind == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", SECRET)
        image.save(out, "PNG", pnginfo=words, exif=exif)
    else:
        image.save(out, kind, exif=exif, **({"comment": SECRET.encode()} if kind == "JPEG" else {}))
    return out.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, content: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"A" * 200_000_000, 9))
    whole = png(1, 1, zlib.compress(b"\0\0\0\0"))
    return whole[:33] + bomb + whole[33:]


async def cleaned(photo: bytes) -> Image.Image:
    jpeg = await ProcessPhotoWorker().cleaned(photo)
    assert isinstance(jpeg, bytes), jpeg
    assert SECRET.encode() not in jpeg
    return Image.open(BytesIO(jpeg))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_a_photo_is_made_anew_without_metadata(kind: str) -> None:
    image = await cleaned(a_photo(kind))
    assert image.format == "JPEG"
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


async def test_a_photo_stands_upright_and_is_not_too_large() -> None:
    image = await cleaned(a_photo(size=(4000, 3000), orientation=6))
    assert image.size == (1536, 2048)


async def test_transparency_becomes_white() -> None:
    out = BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(out, "PNG")
    assert (await cleaned(out.getvalue())).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
async def test_every_colour_mode(mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (10, 10)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert (await cleaned(out.getvalue())).mode == "RGB"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a photo",
        b"\xff\xd8\xff\xe0",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        a_photo()[:-400],
        a_photo("PNG")[:400],
        a_photo("GIF"),
        a_photo("TIFF"),
        a_photo("WEBP"),
        png(1000, 1000, zlib.compress(b"\0" * 100)),
        png(0, 0, b""),
        text_bomb(),
    ],
    ids=[
        "empty",
        "words",
        "head",
        "pdf",
        "svg",
        "cut-jpeg",
        "cut-png",
        "gif",
        "tiff",
        "webp",
        "thin",
        "zero",
        "text-bomb",
    ],
)
async def test_what_is_no_photo(content: bytes) -> None:
    assert await ProcessPhotoWorker().cleaned(content) is PhotoVerdict.NOT_A_PHOTO


@pytest.mark.parametrize("size", [(50_000, 50_000), (100_000, 501)])
async def test_pixel_bombs_are_refused_unopened(size: tuple[int, int]) -> None:
    bomb = png(*size, zlib.compress(b"\0" * 10_000_000, 9))
    started = time.perf_counter()
    assert await ProcessPhotoWorker().cleaned(bomb) is PhotoVerdict.TOO_LARGE
    assert time.perf_counter() - started < 3


async def test_a_large_but_honest_photo_passes() -> None:
    image = await cleaned(a_photo("PNG", size=(8000, 6000)))
    assert image.size == (2048, 1536)


async def test_many_at_once_are_all_answered() -> None:
    worker = ProcessPhotoWorker()
    photos = [a_photo(), b"no"] * 3
    verdicts = await asyncio.gather(*(worker.cleaned(photo) for photo in photos))
    assert [isinstance(verdict, bytes) for verdict in verdicts] == [True, False] * 3
