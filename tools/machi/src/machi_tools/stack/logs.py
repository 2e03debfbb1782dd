"""Logs that cannot fill the disk."""

from pathlib import Path

LARGEST = 20 * 1024 * 1024
KEPT = 2 * 1024 * 1024


def bound(folder: Path) -> None:
    """Cut each log that grew too large: its last part goes to <name>.log.1, writing goes on in the emptied file."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > LARGEST:
            with path.open("r+b") as file:
                file.seek(-KEPT, 2)
                path.with_suffix(".log.1").write_bytes(file.read())
                file.truncate(0)
