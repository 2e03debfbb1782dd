"""How a pod begins."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def test_another_program_is_started_without_touching_grpc(program: Callable[[str], Path]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_ENABLE_FORK_SUPPORT"}
    environment["PYTHONPATH"] = str(program("forking").parent)
    command = [sys.executable, "-c", "from machi_sdk.starting import start; start('forking')"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
