"""The first process of a pod under `skaffold dev`: runs it from /tmp/code, and anew when a file there has changed.

The root file system stays read-only, as in production: the code is copied to /tmp/code at the start, and skaffold
copies there what is edited.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BUILT = Path("/app/code")
CODE = Path("/tmp/code")  # noqa: S108 (the one place that can be written, this container's own)
EVERY = 1.0


def state_of(folder: Path) -> dict[str, float]:
    """When each file was last written."""
    return {str(path): path.stat().st_mtime for path in folder.rglob("*") if path.suffix in (".py", ".json", ".yaml")}


def start() -> "subprocess.Popen[bytes]":
    """The pod, from the copied code, which comes before the one that was built in."""
    return subprocess.Popen(["pod"], env={**os.environ, "PYTHONPATH": str(CODE)})


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Let it drain."""
    process.terminate()
    process.wait()


def main() -> None:
    """Until somebody ends it. A pod that ended by itself waits for the next change."""
    shutil.copytree(BUILT, CODE, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    seen, process = state_of(CODE), start()

    def end(*_: object) -> None:
        stop(process)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        time.sleep(EVERY)
        found = state_of(CODE)
        if found != seen:
            stop(process)
            seen, process = found, start()


if __name__ == "__main__":
    main()
