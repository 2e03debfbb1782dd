"""Prometheus's own checker: the machine's, or Debian's, unpacked into .machi/ when first asked for."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.architecture.house import ROOT

STATE = ROOT / ".machi" / "promtool"
OWN = STATE / "usr" / "bin" / "promtool"
PACKAGE = "prometheus"
FETCH_SECONDS = 100


class NotThere(Exception):
    """There is no promtool here, and none could be fetched."""


def promtool() -> Path:
    """Where it is; NotThere with the cure."""
    found = shutil.which("promtool")
    if found:
        return Path(found)
    if not OWN.is_file():
        _fetch()
    return OWN


def _fetch() -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotThere("put promtool (of Prometheus 2.42 or newer) on the PATH")
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    if not _ran("apt-get", "download", PACKAGE) and os.geteuid() == 0:
        _ran("apt-get", "update", "-q")
        _ran("apt-get", "download", PACKAGE)
    packages = [str(path) for path in STATE.glob("*.deb")]
    if not packages or not _ran("dpkg-deb", "-x", packages[0], str(STATE)) or not OWN.is_file():
        raise NotThere(f"Debian's package {PACKAGE} could not be fetched: put promtool on the PATH")
    Path(packages[0]).unlink()
    shutil.rmtree(STATE / "usr" / "share", ignore_errors=True)


def _ran(*command: str) -> bool:
    try:
        done = subprocess.run(command, cwd=STATE, capture_output=True, check=False, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
