"""The protos themselves: formatted, linted, what is generated in sync, nothing broken since the last release."""

import os
import subprocess
import sys
from pathlib import Path

PROTOS = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
BUF = PROGRAMS / "buf"


def run(*command: str) -> None:
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        command, cwd=PROTOS, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint() -> None:
    run(str(BUF), "lint")


def test_format() -> None:
    run(str(BUF), "format", "-d", "--exit-code")


def test_nothing_breaks_what_was_released() -> None:
    run(str(BUF), "breaking", "--against", "baseline.binpb")


def test_what_is_generated_is_in_sync() -> None:
    run(sys.executable, "generate.py", "--check")
