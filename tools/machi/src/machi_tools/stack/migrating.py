"""Brings every pod's tables to the newest shape; a process of its own, because pods' code is loaded for it."""

import json
import os
import sys
from pathlib import Path

VARIABLE = "MACHI_MIGRATIONS"


def main() -> int:
    """Migrate each folder named in the environment with its owner's address."""
    from machi_sdk import migrating  # noqa: PLC0415 (heavy, and only this process needs it)

    for folder, url in json.loads(os.environ[VARIABLE]).items():
        migrating.upgrade(Path(folder), url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
