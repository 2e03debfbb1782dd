"""Judges many photos in one process, as the decoder's own process judges one; a crash ends it."""

import resource
import struct
import sys

from machi_reports.adapters.photo_decoder import MEMORY_BYTES, judged


def main() -> None:
    """Photos on standard input, each after its length; per photo its verdict, a length, and what was made."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while head := sys.stdin.buffer.read(4):
        photo = sys.stdin.buffer.read(struct.unpack(">I", head)[0])
        verdict, jpegs = judged(photo)
        sys.stdout.buffer.write(struct.pack(">II", verdict, len(jpegs)) + jpegs)


if __name__ == "__main__":
    main()
