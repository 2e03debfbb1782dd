"""From a photo of any kind to two new JPEGs without anything else. Loaded by the decoder's process only."""

from io import BytesIO

from PIL import Image, ImageCms, ImageOps

LONGEST_SIDE, LONGEST_SIDE_SMALL = 2048, 320
# A WebP is decoded whole, twice over, before anything else: the rest would not fit into the memory.
MOST_PIXELS = {"JPEG": 50_000_000, "MPO": 50_000_000, "PNG": 50_000_000, "HEIF": 50_000_000, "WEBP": 30_000_000}


class TooLarge(Exception):
    """More pixels than we decode."""


def prepare(photo: bytes) -> None:
    """Load what photos of this kind need."""
    Image.MAX_IMAGE_PIXELS = None  # judged below, by our own limit
    if photo[4:8] == b"ftyp":
        import pillow_heif  # noqa: PLC0415 (10 MB, for this kind only)

        # An embedded thumbnail may show anything: only the photo itself counts.
        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def pictures(photo: bytes) -> tuple[bytes, bytes]:
    """The photo and a small one: upright, in sRGB. Raises TooLarge, or whatever a decoder raises."""
    image: Image.Image = Image.open(BytesIO(photo), formats=("JPEG", "PNG", "WEBP", "HEIF"))
    if image.width * image.height > MOST_PIXELS[image.format or ""]:
        raise TooLarge
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    profile = image.info.get("icc_profile")
    image = _with_plain_pixels(image)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    image = _in_srgb(_on_white(ImageOps.exif_transpose(image)), profile)
    # Pasted onto a new canvas: nothing that came with the photo can come along.
    canvas = Image.new("RGB", image.size)
    canvas.paste(image)
    whole = _jpeg(canvas, 85)
    canvas.thumbnail((LONGEST_SIDE_SMALL, LONGEST_SIDE_SMALL))
    return whole, _jpeg(canvas, 80)


def _with_plain_pixels(image: Image.Image) -> Image.Image:
    """Palettes, single bits, and 16-bit greys as pixels that can be scaled."""
    if image.mode.startswith("I"):
        return image.point(lambda step: step / 256).convert("L")
    if image.mode in ("1", "P", "PA") or (image.has_transparency_data and image.mode != "RGBA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image)
    return canvas


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as they were meant; a profile that does not fit the pixels says nothing about them."""
    if profile:
        try:
            meant = ImageCms.ImageCmsProfile(BytesIO(profile))
            found = ImageCms.profileToProfile(image, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            found = None
        if found is not None:
            return found
    return image.convert("RGB")


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
