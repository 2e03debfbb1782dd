"""Runs alone, as a process of its own: a photo on standard input, on standard output two new JPEGs of it.

The first JPEG's length comes first, in four bytes; the second one is small. The exit code is the verdict. Memory and
time are bounded by the operating system: whatever a photo does to the decoder, it does it here.
"""

import resource
import struct
import sys

MEMORY_BYTES = 640 * 1024 * 1024
CPU_SECONDS = 5
OK, NOT_A_PHOTO, TOO_LARGE = 0, 3, 4


def bound_process() -> None:
    """Take from this process what a decoder does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # The second number would kill, as who is short of memory does; the first ends it with a signal of its own.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def judged(photo: bytes) -> tuple[int, bytes]:
    """Verdict, and what is to be written; ImportError when the installation is broken."""
    from machi_reports.adapters import photo_pictures  # noqa: PLC0415 (in this process alone, after its bounds are set)

    photo_pictures.prepare(photo)
    try:
        whole, small = photo_pictures.pictures(photo)
    except photo_pictures.TooLarge:
        return TOO_LARGE, b""
    except Exception:  # noqa: BLE001 (whatever a decoder makes of it, that is no photo)
        return NOT_A_PHOTO, b""
    return OK, struct.pack(">I", len(whole)) + whole + small


def main() -> int:
    """Read, clean, write."""
    bound_process()
    verdict, jpegs = judged(sys.stdin.buffer.read())
    sys.stdout.buffer.write(jpegs)
    sys.stdout.buffer.flush()
    return verdict


if __name__ == "__main__":
    sys.exit(main())
