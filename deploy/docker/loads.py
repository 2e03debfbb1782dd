"""Whether every shared library below a folder can still be loaded, after what a build did to it."""

import ctypes
import sys
from pathlib import Path


def broken(folder: Path) -> list[str]:
    """What the loader says of files that are damaged; a library that only misses another one is not."""
    found = []
    for path in sorted(folder.rglob("*.so*")):
        try:
            ctypes.CDLL(str(path))
        except OSError as error:
            found += [str(error)] if "ELF" in str(error) else []
    return found


if __name__ == "__main__":
    wrong = broken(Path(sys.argv[1]))
    if wrong:
        sys.exit("\n".join(wrong))
