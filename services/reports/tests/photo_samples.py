"""Photos as phones and attackers make them; wherever words fit into one, it holds the SECRET."""

import struct
import zlib
from io import BytesIO

import pillow_heif
from PIL import Image, PngImagePlugin

pillow_heif.register_heif_opener()

SECRET = "KITANO-SECRET"
KINDS = ("JPEG", "PNG", "WEBP", "HEIF")
Size = tuple[int, int]
RED, NAVY = (200, 30, 40), (20, 30, 90)


def a_photo(kind: str = "JPEG", size: Size = (640, 480), orientation: int = 1) -> bytes:
    """A navy photo with a red corner at its upper left, as it lies in the file."""
    image = Image.new("RGB", size, NAVY)
    image.paste(RED, (0, 0, size[0] // 4, size[1] // 4))
    return saved(image, kind, exif=_exif(orientation).tobytes())


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """An image in a file of that kind, with comments where the kind knows such."""
    out = BytesIO()
    match kind:
        case "PNG":
            words = PngImagePlugin.PngInfo()
            words.add_text("Comment", SECRET)
            words.add_itxt("XML:com.adobe.xmp", SECRET)
            options["pnginfo"] = words
        case "JPEG":
            options |= {"comment": SECRET.encode(), "xmp": SECRET.encode()}
        case "WEBP":
            options |= {"xmp": SECRET.encode()}
        case "HEIF":
            options |= {"xmp": SECRET.encode(), "enc_params": {"preset": "ultrafast"}}
    image.save(out, kind, **options)
    return out.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 35.0, 24.0), 3: "E", 4: (130.0, 24.0, 6.0)})
    return exif


def several_in_one() -> bytes:
    """What a phone makes of light and dark in one file: the photo, and behind it another image with words."""
    first, second, out = Image.new("RGB", (64, 48), NAVY), Image.new("RGB", (64, 48), "white"), BytesIO()
    first.save(out, "MPO", save_all=True, append_images=[second], comment=SECRET.encode())
    return out.getvalue()


def moving(kind: str, frames: int = 3) -> bytes:
    """An animation that begins red."""
    others = [Image.new("RGB", (64, 48), (step % 256, 255, 0)) for step in range(1, frames)]
    out = BytesIO()
    Image.new("RGB", (64, 48), RED).save(out, kind, save_all=True, append_images=others, duration=40)
    return out.getvalue()


def swapped_colours() -> bytes:
    """An ICC profile in which the number for red means green, and the other way round."""
    green, red, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    xyz = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue, b"wtpt": (0.9642, 1.0, 0.8249)}
    tags = {name: b"XYZ \0\0\0\0" + b"".join(map(_fixed, value)) for name, value in xyz.items()}
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags |= {b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(SECRET) + 1) + SECRET.encode() + bytes(80)}
    table, content, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">II4s", start + len(content), 0, b"\x02\x40\0\0") + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + b"".join(map(_fixed, (0.9642, 1.0, 0.8249))) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + content


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, content: bytes, extra: bytes = b"") -> bytes:
    """A PNG of that size with any content."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), extra, chunk(b"IDAT", content), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_with_bomb(name: bytes) -> bytes:
    """A tiny PNG with a chunk (of words, of a profile) that unpacks to 200 MB."""
    content = b"Comment\0\0" + zlib.compress(b"A" * 200_000_000, 9)
    return png(1, 1, zlib.compress(b"\0\0\0\0"), chunk(name, content))


def png_without_end() -> bytes:
    """A small PNG whose pixels go on for 500 MB."""
    return png(100, 100, zlib.compress(b"\0" * 500_000_000, 1))


def jpeg_of_size(width: int, height: int) -> bytes:
    """A JPEG that says it is that large."""
    content = bytearray(a_photo("JPEG"))
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg_of_many_scans() -> bytes:
    """A JPEG of 49 megapixels that is drawn two thousand times over."""
    out = BytesIO()
    Image.new("RGB", (7000, 7000)).save(out, "JPEG", progressive=True)
    content = out.getvalue()
    last = content.rfind(b"\xff\xda")
    return content[:last] + content[last:-2] * 2000 + b"\xff\xd9"


def webp_of_canvas(side: int) -> bytes:
    """A WebP whose canvas is a square of that side."""
    content = bytearray(moving("WEBP"))
    at = content.find(b"VP8X") + 12
    content[at : at + 6] = (side - 1).to_bytes(3, "little") * 2
    return bytes(content)


def heic_that_says(size: Size, photo: bytes) -> bytes:
    """A HEIC that says it is that large, whatever lies in it."""
    content, at = bytearray(photo), 0
    while (at := content.find(b"ispe", at)) >= 0:
        content[at + 8 : at + 16] = struct.pack(">II", *size)
        at += 4
    return bytes(content)


def heic_of_tiles(side: int) -> bytes:
    """A HEIC of four tiles that are to be put together to a square of that side."""
    tiled = saved(Image.new("RGB", (1024, 1024), NAVY), "HEIF", tile_size=512)
    plan = struct.pack(">BBBBHH", 0, 0, 1, 1, 1024, 1024)
    assert tiled.count(plan) == 1
    return tiled.replace(plan, struct.pack(">BBBBHH", 0, 0, 1, 1, side, side))


def avif() -> bytes:
    """A photo of a kind we do not take."""
    out = BytesIO()
    Image.new("RGB", (64, 48), NAVY).save(out, "AVIF")
    return out.getvalue()
