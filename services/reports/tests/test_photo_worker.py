"""Photos as people send them: made anew, upright, in the right colours, and nothing of their origin is left."""

import asyncio
import sys
from io import BytesIO

import pytest
from photo_samples import KINDS, NAVY, RED, SECRET, a_photo, moving, saved, several_in_one, swapped_colours
from PIL import Image

from machi_reports.adapters.photo_worker import KILLS, ProcessPhotoWorker
from machi_reports.domain.photo import CleanPhoto, PhotoVerdict
from machi_sdk.errors import Unavailable

WHITE = (255, 255, 255)
_AS_DECODER = (sys.executable, "-I", "-c")
_OUT_OF_MEMORY = "import os, signal, sys; sys.stdin.buffer.read(); os.kill(os.getpid(), signal.SIGKILL)"
_HANGING = "import signal; signal.pause()"
Colour = tuple[int, int, int]


async def cleaned(photo: bytes) -> Image.Image:
    """The photo made anew; both JPEGs are without metadata."""
    clean = await ProcessPhotoWorker().cleaned(photo)
    assert isinstance(clean, CleanPhoto), clean
    for jpeg in (clean.whole, clean.thumbnail):
        assert SECRET.encode() not in jpeg
        assert SECRET.encode("utf-16-be") not in jpeg
        image = Image.open(BytesIO(jpeg))
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert jpeg.endswith(b"\xff\xd9")
        assert jpeg.count(b"\xff\xd8\xff") == 1
    return Image.open(BytesIO(clean.whole))


def near(image: Image.Image, at: tuple[int, int], wanted: Colour) -> bool:
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(one - other) <= 12 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_photo_is_made_anew_without_metadata(kind: str) -> None:
    photo = a_photo(kind)
    assert SECRET.encode() in photo
    image = await cleaned(photo)
    assert image.size == (640, 480)
    assert near(image, (20, 20), RED)
    assert near(image, (600, 400), NAVY)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("orientation", "corner"), [(3, (630, 470)), (6, (470, 10)), (8, (10, 630)), (2, (630, 10))])
async def test_a_photo_stands_upright(kind: str, orientation: int, corner: tuple[int, int]) -> None:
    image = await cleaned(a_photo(kind, orientation=orientation))
    assert image.size == ((480, 640) if orientation in (6, 8) else (640, 480))
    assert near(image, corner, RED)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_photo_becomes_no_larger_than_needed(kind: str) -> None:
    clean = await ProcessPhotoWorker().cleaned(a_photo(kind, size=(3000, 2000), orientation=6))
    assert isinstance(clean, CleanPhoto)
    sizes = [Image.open(BytesIO(jpeg)).size for jpeg in (clean.whole, clean.thumbnail)]
    assert sizes == [(1365, 2048), (213, 320)]


async def test_a_small_photo_stays_small() -> None:
    clean = await ProcessPhotoWorker().cleaned(a_photo(size=(64, 48)))
    assert isinstance(clean, CleanPhoto)
    assert Image.open(BytesIO(clean.thumbnail)).size == (64, 48)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF"])
async def test_transparency_becomes_white(kind: str) -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    assert near(await cleaned(saved(image, kind)), (32, 32), WHITE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
async def test_every_colour_mode_of_png(mode: str) -> None:
    assert near(await cleaned(saved(Image.new("L", (64, 64), 255).convert(mode), "PNG")), (32, 32), WHITE)


async def test_greys_of_16_bits() -> None:
    image = Image.frombytes("I;16", (64, 64), (40_000).to_bytes(2, "little") * 64 * 64)
    assert near(await cleaned(saved(image, "PNG")), (32, 32), (156, 156, 156))


async def test_a_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, *RED])
    image.paste(0, (0, 0, 32, 64))
    out = BytesIO()
    image.save(out, "PNG", transparency=0)
    found = await cleaned(out.getvalue())
    assert near(found, (10, 32), WHITE)
    assert near(found, (50, 32), RED)


async def test_colours_of_print() -> None:
    assert near(await cleaned(saved(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG")), (32, 32), (255, 0, 0))


@pytest.mark.parametrize("kind", KINDS)
async def test_colours_are_kept_right_and_their_profile_is_dropped(kind: str) -> None:
    photo = saved(Image.new("RGB", (64, 64), (255, 0, 0)), kind, icc_profile=swapped_colours())
    assert near(await cleaned(photo), (32, 32), (0, 255, 0))


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, swapped_colours()[:300]])
async def test_a_profile_that_is_none_costs_no_photo(profile: bytes) -> None:
    photo = saved(Image.new("RGB", (64, 64), RED), "JPEG", icc_profile=profile)
    assert near(await cleaned(photo), (32, 32), RED)


async def test_a_profile_of_other_pixels_costs_no_photo() -> None:
    photo = saved(Image.new("L", (64, 64), 120), "JPEG", icc_profile=swapped_colours())
    assert near(await cleaned(photo), (32, 32), (120, 120, 120))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_of_an_animation_the_first_picture(kind: str) -> None:
    assert near(await cleaned(moving(kind)), (32, 24), RED)


async def test_of_several_images_in_one_file_the_photo_alone() -> None:
    assert near(await cleaned(several_in_one()), (32, 24), NAVY)


async def test_the_small_picture_inside_a_photo_is_not_taken_for_it() -> None:
    photo = a_photo("HEIF", size=(1200, 800))
    with_small = BytesIO()
    Image.open(BytesIO(photo)).save(with_small, "HEIF", thumbnails=[256], enc_params={"preset": "ultrafast"})
    assert (await cleaned(with_small.getvalue())).size == (1200, 800)


@pytest.mark.parametrize(("kind", "size"), [("PNG", (8000, 6000)), ("JPEG", (8000, 6000)), ("WEBP", (5000, 5000))])
async def test_a_large_but_honest_photo_passes(kind: str, size: tuple[int, int]) -> None:
    image = await cleaned(a_photo(kind, size=size))
    assert max(image.size) == 2048


async def test_many_at_once_are_all_answered() -> None:
    worker = ProcessPhotoWorker()
    photos = [a_photo(), b"no"] * 3
    verdicts = await asyncio.gather(*(worker.cleaned(photo) for photo in photos))
    assert [isinstance(verdict, CleanPhoto) for verdict in verdicts] == [True, False] * 3


async def test_a_photo_whose_decoder_is_killed_is_tried_again_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, photo, another = ProcessPhotoWorker(), a_photo(), a_photo("PNG")
    with monkeypatch.context() as short_of_memory:
        short_of_memory.setattr("machi_reports.adapters.photo_worker._COMMAND", (*_AS_DECODER, _OUT_OF_MEMORY))
        for each in (*[photo] * (KILLS - 1), another):
            with pytest.raises(Unavailable, match="photo-worker-killed"):
                await worker.cleaned(each)
        assert await worker.cleaned(photo) is PhotoVerdict.NOT_A_PHOTO
    assert isinstance(await worker.cleaned(another), CleanPhoto)


async def test_a_decoder_that_takes_too_long_says_nothing_about_its_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_reports.adapters.photo_worker._COMMAND", (*_AS_DECODER, _HANGING))
    monkeypatch.setattr("machi_reports.adapters.photo_worker._DECODE_SECONDS", 0.05)
    with pytest.raises(Unavailable, match="photo-worker-killed"):
        await ProcessPhotoWorker().cleaned(b"a photo")


async def test_who_waits_too_long_for_others_photos_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_reports.adapters.photo_worker._COMMAND", (*_AS_DECODER, _HANGING))
    monkeypatch.setattr("machi_reports.adapters.photo_worker._SLOT_SECONDS", 0.05)
    worker = ProcessPhotoWorker()
    both = [asyncio.create_task(worker.cleaned(each)) for each in (b"a photo", b"another")]
    sent_away, first = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert [str(task.exception()) for task in sent_away] == ["photo-worker-busy"]
    for task in first:
        task.cancel()
    await asyncio.wait(first)
