"""helm and kubectl on one namespace of whatever cluster KUBECONFIG names."""

import json
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.charts.binaries import program

RELEASE = "machi"
START_SECONDS = 20.0


class FailedError(Exception):
    """A command failed; its last words."""


@dataclass(frozen=True)
class Kube:
    """One namespace."""

    namespace: str

    def helm(self, *words: str, seconds: int = 600) -> str:
        """Run helm; FailedError with its last words."""
        verb, *more = words
        return run([program("helm"), verb, *more, "--namespace", self.namespace], seconds)

    def kubectl(self, *words: str, given: str = "", seconds: int = 120) -> str:
        """Run kubectl; FailedError with its last words."""
        return run([program("kubectl"), "--namespace", self.namespace, *words], seconds, given)

    def objects(self, *words: str) -> list[dict[str, Any]]:
        """Objects as JSON."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *words, "--output", "json"))["items"]
        return found

    def python(self, pod: str, code: str, *words: str) -> str:
        """Run Python inside a pod of the release; what it printed."""
        return self.kubectl("exec", "-i", f"deploy/{RELEASE}-{pod}", "--", "python", "-", *words, given=code).strip()

    @contextmanager
    def forwarded(self, service: str, port: int) -> Iterator[str]:
        """A Service's address on this machine."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            local = found.getsockname()[1]
        command = [
            program("kubectl"),
            "--namespace",
            self.namespace,
            "port-forward",
            f"service/{service}",
            f"{local}:{port}",
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _await(local, process)
                yield f"http://127.0.0.1:{local}"
            finally:
                process.terminate()


def run(command: Sequence[str], seconds: int, given: str = "") -> str:
    """Run a command; FailedError with its last words."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{' '.join(command[:4])}: no end within {seconds} s") from error
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if "symbolic link" not in line]
        raise FailedError(f"{' '.join(command[:4])}: " + "\n".join(words)[-1500:])
    return done.stdout


def missing_cluster() -> str:
    """Why there is no cluster to verify on; empty when one answers."""
    if not (os.environ.get("KUBECONFIG") or (Path.home() / ".kube" / "config").is_file()):
        return "KUBECONFIG is not set"
    try:
        run([program("kubectl"), "get", "--raw", "/readyz"], 20)
    except FailedError as error:
        return f"no cluster answers: {error}"
    return ""


def load_image(archive: Path) -> bool:
    """Put an image on the nodes by the command MACHI_CLUSTER_LOAD; False when none is set."""
    command = os.environ.get("MACHI_CLUSTER_LOAD", "")
    if command:
        run([*shlex.split(command), str(archive)], 300)
    return bool(command)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise FailedError("port-forward did not start")
