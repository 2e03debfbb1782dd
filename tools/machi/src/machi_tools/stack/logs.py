"""Logs that cannot fill the disk, and reading them: the last lines, and what is added."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

LARGEST = 20 * 1024 * 1024
KEPT = 2 * 1024 * 1024
LOOK_SECONDS = 0.2


def bound(folder: Path) -> None:
    """Cut each log that grew too large: its last part goes to <name>.log.1, writing goes on in the emptied file."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > LARGEST:
            with path.open("r+b") as file:
                file.seek(-KEPT, 2)
                path.with_suffix(".log.1").write_bytes(file.read())
                file.truncate(0)


def last_lines(path: Path, count: int, wanted: Callable[[str], bool]) -> list[str]:
    """The last `count` lines of a log that are wanted."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        return list(deque((line for line in (each.rstrip("\n") for each in file) if wanted(line)), count))


class Following:
    """What is added to logs from now on, also to one that is cut or comes later."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._read = {path: path.stat().st_size if path.exists() else 0 for path in paths}
        self._begun = dict.fromkeys(paths, b"")

    def added(self) -> Iterator[tuple[Path, str]]:
        """Whole lines, for ever."""
        while True:
            for path in self._read:
                yield from ((path, line) for line in self._new_lines(path))
            time.sleep(LOOK_SECONDS)

    def _new_lines(self, path: Path) -> list[str]:
        size = path.stat().st_size if path.exists() else 0
        if size < self._read[path]:
            self._read[path], self._begun[path] = 0, b""
        if size == self._read[path]:
            return []
        with path.open("rb") as file:
            file.seek(self._read[path])
            content = self._begun[path] + file.read(size - self._read[path])
        self._read[path] = size
        *lines, self._begun[path] = content.split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]
