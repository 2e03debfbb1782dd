"""Set-up runs on whatever Python the machine has, survives being cut off, and says what is wrong and the cure."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from machi_tools.stack.layout import ROOT

BOOTSTRAP = ROOT / "tools" / "machi" / "bootstrap.py"
TOO_OLD = (
    "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); runpy.run_path(sys.argv[1], run_name='__main__')"
)
NO_ROOM = (
    "import runpy, shutil, sys; usage = shutil.disk_usage('/')._replace(free=10**9); "
    "shutil.disk_usage = lambda path: usage; runpy.run_path(sys.argv[1], run_name='__main__')"
)
INSTALLER = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/said"
case "$*" in
  --version) echo "uv {version}" ;;
  "pip freeze"*) echo leftover==1.0 ;;
  "pip list"*) echo '[{{"name": "machi-gone", "editable_project_location": "/nowhere"}}]' ;;
  *-r*) {installing} ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A tree with set-up and locks, and nothing installed."""
    for part in ("requirements.lock", "requirements/bootstrap.lock", "tools/machi/bootstrap.py"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / part, tmp_path / part)
    return tmp_path


def half_made(checkout: Path, installing: str = ":") -> None:
    """The environment as a set-up leaves it that was cut while packages were installed; its installer only notes."""
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (checkout / ".venv" / ".machi-setup-unfinished").touch()
    version = (checkout / "requirements" / "bootstrap.lock").read_text().split()[0].partition("==")[2]
    (programs / "uv").write_text(INSTALLER.format(version=version, installing=installing))
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)


def set_up(checkout: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(checkout / "tools" / "machi" / "bootstrap.py")]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_too_little_disk_is_told_with_the_cure_before_anything_is_made(checkout: Path) -> None:
    command = [sys.executable, "-c", NO_ROOM, str(checkout / "tools" / "machi" / "bootstrap.py")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr == "setup: less than 2 GB of disk is free\n  cure: make room, then `make setup` again\n"
    assert not (checkout / ".venv").exists()


def test_a_set_up_that_was_cut_lays_every_file_anew(checkout: Path) -> None:
    half_made(checkout)
    done = set_up(checkout)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "setup: done"), done.stderr
    said = (checkout / ".venv" / "bin" / "said").read_text().splitlines()
    assert [line.endswith("--reinstall") for line in said if " -r " in line] == [True]
    assert [line.split()[-1] for line in said if line.startswith("pip uninstall")] == ["leftover", "machi-gone"]
    assert set_up(checkout).stdout == ""


def test_an_environment_without_a_python_is_made_anew_and_a_missing_index_is_told(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(checkout / "nowhere")
    told = set_up(checkout, PIP_NO_INDEX="1")
    assert told.returncode == 1
    assert told.stderr.endswith("cure: check that the package index can be reached, then `make setup` again\n")
    assert "Traceback" not in told.stderr
    subprocess.run([checkout / ".venv" / "bin" / "python", "-m", "pip", "--version"], check=True)


def test_ctrl_c_is_told_in_two_lines(checkout: Path) -> None:
    half_made(checkout, installing="exec sleep 600")
    command = [sys.executable, str(checkout / "tools" / "machi" / "bootstrap.py")]
    # A run in the background ignores it, and so would whatever it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    said = checkout / ".venv" / "bin" / "said"
    while not said.exists() or " -r " not in said.read_text():
        assert running.poll() is None
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    words = running.communicate(timeout=20)[1].decode()
    assert (running.returncode, words) == (1, "setup: interrupted\n  cure: `make setup` again goes on from here\n")


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


def test_images_and_tests_agree_on_every_version() -> None:
    def versions(path: Path) -> set[str]:
        return {line.split(";")[0].strip(" \\") for line in path.read_text().splitlines() if line[:1].isalnum()}

    assert versions(ROOT / "requirements" / "images.lock") <= versions(ROOT / "requirements.lock")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
