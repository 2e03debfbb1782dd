"""`make wheelhouse`: everything a build would fetch, kept in .machi/wheelhouse, each file compared with its hash."""

import hashlib
import platform
import re
import sys
import tempfile
from pathlib import Path

from packaging.markers import Marker

from machi_tools.embedded import kafka_jars
from machi_tools.images.engines import run

LOCKS = ("requirements/images.lock", "requirements/bootstrap.lock")
OFFLINE_CURE = "check that the package index can be reached, or copy .machi/wheelhouse from a machine where it can"
NEWEST_GLIBC = 36  # 2.36, of the oldest base that is supported
DEFAULT_PYTHON = "3.11"


def fill(root: Path, python: str = DEFAULT_PYTHON) -> bool:
    """Fetch wheels for that Python, and Kafka's jars; False when all was there."""
    folder = root / ".machi" / "wheelhouse"
    lines = "".join(for_python((root / lock).read_text(encoding="utf-8"), python) for lock in LOCKS)
    done = folder / "filled-for"
    key = hashlib.sha256((lines + python + kafka_jars.SUMS.read_text()).encode()).hexdigest()
    if done.is_file() and done.read_text() == key:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for stale in [done, *folder.glob("*.whl")]:
        stale.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as lock:
        lock.write(lines)
        lock.flush()
        run(download_command(Path(lock.name), folder, python), "the wheels could not be fetched", OFFLINE_CURE)
    kafka_jars.copy_to(folder / "jars")
    done.write_text(key)
    return True


def for_python(lock: str, python: str) -> str:
    """The lock's lines that hold for a Python, without their markers: pip reads those of its own Python only."""
    kept: list[str] = []
    keeps = True
    version = {"python_full_version": f"{python}.0", "python_version": python}
    for line in lock.splitlines(keepends=True):
        marker = line.rstrip(" \\\n").partition(" ; ")[2]
        if line[:1].isalnum():
            keeps = not marker or Marker(marker).evaluate(version)
        kept += [re.sub(r" ; .*?( \\)?\n", r"\1\n", line)] if keeps else []
    return "".join(kept)


def download_command(lock: Path, folder: Path, python: str) -> list[str]:
    """How pip is called: no source is ever built, no file with another hash taken."""
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    kinds = ["--implementation", "cp", "--abi", f"cp{python.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
    tags = [f"manylinux_2_{minor}" for minor in range(NEWEST_GLIBC, 4, -1)] + ["manylinux2014", "manylinux1"]
    kinds += [part for tag in tags for part in ("--platform", f"{tag}_{machine}")]
    strict = ["--require-hashes", "--only-binary", ":all:", "--no-deps"]
    where = ["--dest", str(folder), "--requirement", str(lock)]
    return [sys.executable, "-m", "pip", "download", "--quiet", *strict, "--python-version", python, *kinds, *where]
