"""Prometheus and its own checker: the machine's, or Debian's, unpacked into .machi/ when first asked for."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.architecture.house import ROOT

STATE = ROOT / ".machi" / "promtool"
OWN = STATE / "usr" / "bin"
PACKAGE = "prometheus"
FETCH_SECONDS = 100


class NotThere(Exception):
    """There is no such program here, and none could be fetched."""


def program(name: str) -> Path:
    """Where `promtool` or `prometheus` is; NotThere with the cure."""
    found = shutil.which(name)
    if found:
        return Path(found)
    if not (OWN / name).is_file():
        _fetch()
    return OWN / name


def _fetch() -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotThere("put promtool and prometheus, 2.42 or newer, on the PATH")
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    if not _ran("apt-get", "download", PACKAGE) and os.geteuid() == 0:
        _ran("apt-get", "update", "-q")
        _ran("apt-get", "download", PACKAGE)
    packages = [str(path) for path in STATE.glob("*.deb")]
    if not packages or not _ran("dpkg-deb", "-x", packages[0], str(STATE)) or not OWN.is_dir():
        raise NotThere(f"Debian's package {PACKAGE} could not be fetched: put promtool on the PATH")
    Path(packages[0]).unlink()
    shutil.rmtree(STATE / "usr" / "share", ignore_errors=True)


def _ran(*command: str) -> bool:
    try:
        done = subprocess.run(command, cwd=STATE, capture_output=True, check=False, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
