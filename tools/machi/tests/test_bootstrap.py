"""Set-up runs on whatever Python the machine has, and says so when that is too old."""

import os
import subprocess
import sys
import time
from pathlib import Path

from machi_tools.stack.layout import ROOT

BOOTSTRAP = ROOT / "tools" / "machi" / "bootstrap.py"
TOO_OLD = (
    "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); runpy.run_path(sys.argv[1], run_name='__main__')"
)


def test_an_old_python_is_told_with_the_cure(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TOO_OLD, str(BOOTSTRAP)]
    told = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "Python 3.9 is too old, 3.11 or newer is needed" in told.stderr
    assert "cure:" in told.stderr


def test_nothing_to_do_takes_under_a_second() -> None:
    subprocess.run([sys.executable, str(BOOTSTRAP)], check=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(BOOTSTRAP)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert time.monotonic() - began < 1.0


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements.lock", *(ROOT / "requirements").glob("*.lock")):
        text = path.read_text()
        assert "://" not in text, path
        assert "--index-url" not in text, path
        assert text.count("--hash=sha256:") >= text.count("=="), path


def test_pods_and_tests_agree_on_every_version() -> None:
    def versions(path: Path) -> set[str]:
        return {line.split(";")[0].strip(" \\") for line in path.read_text().splitlines() if line[:1].isalnum()}

    assert versions(ROOT / "requirements" / "pods.lock") <= versions(ROOT / "requirements.lock")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
