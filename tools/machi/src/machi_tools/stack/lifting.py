"""`machi up`, `down`, `reset`: start the supervisor once, watch it, end it and only it."""

import asyncio
import contextlib
import fcntl
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from machi_tools.embedded.given import check_address
from machi_tools.embedded.postgres import PostgresServer
from machi_tools.embedded.process import Command, last_line, start
from machi_tools.errors import StackError
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import chosen, passports
from machi_tools.stack.secrets import SecretStore
from machi_tools.stack.settings import SETTINGS_KEY, difference, digests
from machi_tools.stack.state import State, read_state

MEMORY_NEEDED = 900 * 1024**2
DISK_NEEDED = 1024**3
PATIENCE_SECONDS = 300.0
MADE = ("data", "keys", "log", "state.json", "given.json", "secrets.json")  # the last by which the stack knows its own


def ensure_running(layout: Layout, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Start the supervisor unless one runs with these settings and pods; what a killed one left is ended first."""
    with _alone(layout):
        state = read_state(layout.state_file)
        if state is not None and state.is_running() and state.phase in ("starting", "ready"):
            if goes_on(layout, state, environ, say):
                return
            _end(layout, state)
        elif state is not None:
            state.supervisor.identity().wait(60)
            _end_leftovers(state)
        chosen(layout.root, environ)  # a mistake in a manifest is told here, whole
        check_address(environ.get("DATABASE_URL") or "")
        check_room(psutil.virtual_memory().available, shutil.disk_usage(layout.state).free)
        layout.state_file.unlink(missing_ok=True)
        process = start(Command([sys.executable, "-m", "machi_tools", "supervise"], layout.log("supervisor")))
        _wait_for_state(layout, process)


def goes_on(layout: Layout, state: State, environ: Mapping[str, str], say: Callable[[str], None]) -> bool:
    """Whether a running stack may stay as it is; says what differs.

    Another setting or another pod starts it again. Where a setting is merely missing now it stays: it would start
    without what it has.
    """
    key = SecretStore(layout.state / "secrets.json").word(SETTINGS_KEY)
    settings = difference(state.settings, digests(environ, key))
    pods = difference(state.manifests, passports(chosen(layout.root, environ)))
    if settings.given:
        say(f"settings differ from those it was started with, starting again with the present ones: {settings.names}")
        return False
    if settings.gone:
        say(f"kept from the start, not set here: {settings.names} (`make down up` starts without)")
    if not pods.names:
        return True
    if settings.gone:
        say(f"not taken up, pods that are new, changed, or gone: {pods.names} (`make down up` starts with them)")
        return True
    say(f"pods are new, changed, or gone, starting again with those of services/: {pods.names}")
    return False


def watch(layout: Layout, show: Callable[[State], None]) -> State:
    """Show how far it is until it is ready; StackError when it fails."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        state = read_state(layout.state_file)
        if state is not None:
            show(state)
            if state.failure is not None:
                log = Path(state.failure.log) if state.failure.log else None
                raise StackError(state.failure.what, state.failure.cure, log)
            if state.phase == "ready":
                return state
            if not state.is_running():
                raise _supervisor_died(layout)
        time.sleep(0.1)
    raise StackError(f"not ready after {PATIENCE_SECONDS:.0f} s", "`machi doctor` says what is missing")


def stop(layout: Layout) -> bool:
    """Stop what `up` started; False when nothing ran."""
    with _alone(layout):
        return _stop(layout)


def reset(layout: Layout, environ: Mapping[str, str]) -> str:
    """Stop, then delete all data, keys and logs, those on servers that others run too; where photos stay, if anywhere.

    Whatever else lies in the stack's folder, such as images that were built, stays. Nobody starts the stack meanwhile:
    `up` waits until all is deleted.
    """
    from machi_tools.stack import emptying  # noqa: PLC0415 (heavy; up and down do without)

    with _alone(layout):
        kept = emptying.check(layout, environ)
        _stop(layout)
        asyncio.run(emptying.empty(layout, environ, kept))
        PostgresServer(layout.data("postgres")).destroy()
        for name in MADE:
            path = layout.state / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return kept.photos


def check_room(memory: int, disk: int) -> None:
    """Refuse a machine with too few free bytes, before anything starts."""
    if memory < MEMORY_NEEDED:
        raise StackError(f"only {memory >> 20} MB of memory are free, 900 are needed", "close other programs")
    if disk < DISK_NEEDED:
        raise StackError(f"only {disk >> 20} MB of disk are free, 1024 are needed", "make room on the disk")


def _stop(layout: Layout) -> bool:
    state = read_state(layout.state_file)
    if state is None:
        return False
    running = state.is_running()
    _end(layout, state)
    return running


def _end(layout: Layout, state: State) -> None:
    state.supervisor.identity().end(signal.SIGTERM, grace=60)
    _end_leftovers(read_state(layout.state_file) or state)
    layout.state_file.unlink(missing_ok=True)


def _end_leftovers(state: State) -> None:
    servers = [process for name, process in state.processes.items() if name in ("postgres", "kafka")]
    others = [process for process in state.processes.values() if process not in servers]
    for process in [*others, *servers]:
        first = signal.SIGINT if process is state.processes.get("postgres") else signal.SIGTERM
        process.identity().end(first, grace=15)


def _wait_for_state(layout: Layout, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while read_state(layout.state_file) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise _supervisor_died(layout)
        time.sleep(0.05)


def _supervisor_died(layout: Layout) -> StackError:
    words = layout.log("supervisor")
    return StackError(f"the supervisor ended: {last_line(words)}", "read its log, then `make up` again", words)


@contextlib.contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Two commands at once take turns."""
    layout.state.mkdir(parents=True, exist_ok=True)
    with (layout.state / "up.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
