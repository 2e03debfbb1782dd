"""Child processes that are started with a log, and ended by pid and start time only."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from machi_tools.errors import StackError


@dataclass(frozen=True)
class Identity:
    """A process, told apart from a later one that got the same pid by the seconds from the boot to its start.

    The time of day would not do: the kernel tells it as the boot's plus these seconds, and the boot's moves whenever
    the clock is set.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """The identity of a running process; NoSuchProcess when it is gone."""
        return cls(pid, _since_boot(psutil.Process(pid)))

    def find(self) -> psutil.Process | None:
        """The process itself, while it lives."""
        try:
            process = psutil.Process(self.pid)
            same = abs(_since_boot(process) - self.started) < 0.05
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended; True when it has. One that nobody reaps has ended too."""
        deadline = time.monotonic() + seconds
        while self.find() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def end(self, first: signal.Signals = signal.SIGTERM, grace: float = 10.0) -> None:
        """Ask the process to end, wake it if it was stopped, and kill it after the grace time."""
        process = self.find()
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(first)
            process.send_signal(signal.SIGCONT)
        if not self.wait(grace):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
            self.wait(5)


def _since_boot(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


@dataclass(frozen=True)
class Command:
    """What to start, where its words go, and as whom."""

    arguments: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    folder: Path | None = None


def start(command: Command) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, its output appended to its log."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    owner = command.account
    with command.log.open("ab") as log:
        return subprocess.Popen(
            list(command.arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
            cwd=command.folder or "/",
            start_new_session=True,
            user=owner,
            group=login_group(owner),
            extra_groups=None if owner is None else [],
        )


@dataclass
class OwnProcess:
    """A process of ours, from its start until we have seen it end."""

    _process: subprocess.Popen[bytes] | None = None

    def start(self, command: Command) -> subprocess.Popen[bytes]:
        """Start a command; it takes the place of one that has ended."""
        self._process = start(command)
        return self._process

    def stop(self, first: signal.Signals = signal.SIGTERM, grace: float = 15.0) -> None:
        """Ask it to end in order, and wait."""
        if self._process is not None and self._process.poll() is None:
            Identity.of(self._process.pid).end(first, grace)
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def pid(self) -> int | None:
        """Its process id, None once it has ended."""
        process = self._process  # another thread may be stopping it
        return process.pid if process is not None and process.poll() is None else None


def login_group(account: str | None) -> int | None:
    """The login group of an account."""
    if account is None:
        return None
    import pwd  # noqa: PLC0415 (absent where accounts are not)

    return pwd.getpwnam(account).pw_gid


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Poll until ready; False when the process ended or time ran out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if ready():
            return True
        time.sleep(0.05)
    return False


def run(command: Command, what: str, cure: str) -> None:
    """Run a command to its end; a failure is told with its last word and its log."""
    if start(command).wait() != 0:
        raise StackError(f"{what}: {last_line(command.log)}", cure, command.log)


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()[-40:] if line.strip()]
        return lines[-1] if lines else ""
    return ""
