"""Runs alone, as a process of its own: photo on standard input, stripped JPEG on standard output, verdict as exit code.

Its memory and time are bounded by the operating system: whatever a photo does to the decoder, it does it here.
"""

import resource
import sys
from io import BytesIO

LONGEST_SIDE = 2048
MOST_PIXELS = 50_000_000
MEMORY_BYTES = 640 * 1024 * 1024
CPU_SECONDS = 5
OK, NOT_A_PHOTO, TOO_LARGE = 0, 3, 4


def bound_process() -> None:
    """Take from this process what a decoder does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def cleaned(photo: bytes) -> tuple[int, bytes]:
    """Verdict and JPEG: upright, at most `LONGEST_SIDE`, without any metadata."""
    from PIL import Image, ImageOps  # noqa: PLC0415 (after the bounds are set)

    Image.MAX_IMAGE_PIXELS = None  # judged below, by our own limit
    try:
        image: Image.Image = Image.open(BytesIO(photo), formats=("JPEG", "PNG"))
        if image.width * image.height > MOST_PIXELS:
            return TOO_LARGE, b""
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image.load()
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        image = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, MemoryError, OverflowError, Image.DecompressionBombError):
        return NOT_A_PHOTO, b""
    # Pasted onto a new canvas: nothing that came with the photo can come along.
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image)
    out = BytesIO()
    canvas.save(out, "JPEG", quality=85)
    return OK, out.getvalue()


def main() -> int:
    """Read, clean, write."""
    bound_process()
    verdict, jpeg = cleaned(sys.stdin.buffer.read())
    sys.stdout.buffer.write(jpeg)
    sys.stdout.buffer.flush()
    return verdict


if __name__ == "__main__":
    sys.exit(main())
