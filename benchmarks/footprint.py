"""`make bench-footprint`: memory and time to ready of each idle pod, beside a bare interpreter with its libraries.

A stack of its own runs; each pod in turn is stopped in order and measured as it is started again, beside the others.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.results import keep
from benchmarks.stacks import Stack

_EVERY = (
    "import grpc.aio, aiokafka, asyncpg, starlette.routing, uvicorn, uvloop, pydantic_settings, opentelemetry.sdk.trace"
)
_LIBRARIES = {
    "channel-line": f"{_EVERY}, linebot.v3.messaging",
    "channel-slack": f"{_EVERY}, slack_sdk.web.async_client",
}
_GOALS = {"domain": (100, 1.5), "adapter": (150, 2.5)}
_REPEATS = 5


@dataclass(frozen=True)
class Footprint:
    """Resident memory in MB and seconds until ready."""

    megabytes: float
    seconds: float


def bare(statement: str) -> Footprint:
    """An interpreter that only imports."""
    started = time.perf_counter()
    code = f"{statement}\nimport os, sys\nprint('ok', flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - started
        megabytes = psutil.Process(process.pid).memory_info().rss / 2**20
        process.kill()
    return Footprint(megabytes, seconds)


def pod(stack: Stack, name: str, address: str) -> Footprint:
    """The pod stopped in order and started again by the supervisor: from its process's birth to ready."""
    before = stack.pid(name)
    os.kill(before, signal.SIGTERM)
    deadline = time.time() + 30
    while (fresh := stack.pid(name)) == before and time.time() < deadline:
        time.sleep(0.01)
    _until_ready(f"http://{address}/readyz", time.time() + 30)
    seconds = _age(fresh)
    return Footprint(psutil.Process(fresh).memory_info().rss / 2**20, seconds)


def _age(pid: int) -> float:
    """Seconds since its birth, counted from the boot, as the kernel does: the boot's time of day is a whole second."""
    since_boot = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot / os.sysconf("SC_CLK_TCK")


def _until_ready(url: str, deadline: float) -> None:
    while not _is_ready(url):
        if time.time() > deadline:
            raise SystemExit(f"{url} did not become ready in 30 s")
        time.sleep(0.01)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Measure every pod of a stack, each pair interleaved."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), {}) as stack:
        figures = {name: _compare(stack, name, address) for name, address in stack.pods().items()}
    print(f"kept in {keep('footprint', figures).relative_to(Path.cwd())}")


def _median(found: list[Footprint]) -> Footprint:
    return Footprint(
        statistics.median(each.megabytes for each in found), statistics.median(each.seconds for each in found)
    )


def _compare(stack: Stack, name: str, address: str) -> dict[str, float]:
    goal = _GOALS["adapter" if name in _LIBRARIES else "domain"]
    pairs = [(pod(stack, name, address), bare(_LIBRARIES.get(name, _EVERY))) for _ in range(_REPEATS)]
    ours, base = _median([pair[0] for pair in pairs]), _median([pair[1] for pair in pairs])
    ratio = ours.megabytes / base.megabytes, ours.seconds / base.seconds
    print(
        f"{name:14} {ours.megabytes:6.1f} MB (goal ≤{goal[0]}) {ratio[0]:.2f}× bare   "
        f"ready in {ours.seconds:.2f} s (goal ≤{goal[1]}) {ratio[1]:.2f}× bare"
    )
    return {
        "megabytes": round(ours.megabytes, 1),
        "seconds": round(ours.seconds, 3),
        "bare_megabytes": round(base.megabytes, 1),
        "bare_seconds": round(base.seconds, 3),
        "goal_megabytes": goal[0],
        "goal_seconds": goal[1],
    }


if __name__ == "__main__":
    main()
