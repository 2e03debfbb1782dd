"""A child that died is started again; one that is merely stopped is left alone."""

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import psutil
import pytest

from machi_tools.embedded.process import Command, Identity, start
from machi_tools.stack.keeping import CommandChild, Keeper
from machi_tools.stack.supervisor import kept_up

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def keeper_of(tmp_path: Path, arguments: list[str], started: list[int]) -> Keeper:
    child = CommandChild(Command(arguments, tmp_path / "child.log"), dict, grace=5)
    return Keeper("child", child, lambda keeper: started.append(keeper.child.pid or 0))


async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    started: list[int] = []
    keeper = keeper_of(tmp_path, SLEEPER, started)
    await keeper.start()
    psutil.Process(started[0]).kill()
    await until(lambda: len(started) == 2)
    assert (keeper.child.pid, keeper.restarts) == (started[1], 1)
    await keeper.stop()
    assert not keeper.child.pid
    assert not psutil.pid_exists(started[1])


class Slow(CommandChild):
    """A server: it is a process at once, and answers when it is let."""

    may_answer = Event()

    def start(self) -> None:
        super().start()
        self.may_answer.wait(60)


async def test_a_server_is_told_before_it_answers(tmp_path: Path) -> None:
    told: list[int] = []
    child = Slow(Command(SLEEPER, tmp_path / "child.log"), dict, grace=5)
    keeper = Keeper("child", child, lambda keeper: told.append(keeper.child.pid or 0))
    starting = asyncio.create_task(keeper.start())
    await until(lambda: len(told) == 1)
    assert not starting.done()
    child.may_answer.set()
    await starting
    assert told == [child.pid]
    await keeper.stop()


async def test_a_stopped_child_is_left_alone(tmp_path: Path) -> None:
    started: list[int] = []
    keeper = keeper_of(tmp_path, SLEEPER, started)
    await keeper.start()
    stopped = psutil.Process(started[0])
    stopped.send_signal(signal.SIGSTOP)
    await until(lambda: stopped.status() == psutil.STATUS_STOPPED)
    with pytest.raises(AssertionError):
        await until(lambda: len(started) > 1, seconds=1.0)
    await keeper.stop()
    assert not psutil.pid_exists(started[0])


async def test_a_child_that_cannot_live_is_tried_ever_more_slowly(tmp_path: Path) -> None:
    started: list[int] = []
    keeper = keeper_of(tmp_path, [sys.executable, "-c", "raise SystemExit(3)"], started)
    began = time.monotonic()
    await keeper.start()
    await until(lambda: keeper.restarts == 3)
    assert time.monotonic() - began > 0.6 + 1.2
    await keeper.stop()


async def test_stopping_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    started: list[int] = []
    keeper = keeper_of(tmp_path, SLEEPER, started)
    starting = asyncio.create_task(keeper.start())
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await keeper.stop()
    assert keeper.child.pid is None


async def test_extra_environment_is_read_at_each_start(tmp_path: Path) -> None:
    log, words = tmp_path / "child.log", {"WORD": "first"}
    say = [sys.executable, "-c", "import os; print(os.environ['WORD'], flush=True)"]
    keeper = Keeper("child", CommandChild(Command(say, log), lambda: words), lambda _: None)
    await keeper.start()
    await until(lambda: "first" in log.read_text())
    words["WORD"] = "second"
    await until(lambda: "second" in log.read_text())
    await keeper.stop()


def test_only_the_process_that_was_started_is_ended(tmp_path: Path) -> None:
    process = start(Command(SLEEPER, tmp_path / "child.log"))
    me = Identity.of(process.pid)
    Identity(me.pid, me.started - 100).end()
    assert process.poll() is None
    me.end()
    assert process.wait(5) == -signal.SIGTERM
    assert me.find() is None


def test_a_process_is_known_after_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    me, boot, born = Identity.of(os.getpid()), psutil.boot_time(), psutil.Process().create_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    assert psutil.Process().create_time() == pytest.approx(born + 3600)
    assert me.find() is not None


async def test_what_the_disk_refuses_once_is_done_the_next_time() -> None:
    tries: list[str] = []

    def write() -> None:
        tries.append("token")
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "no space left on device")

    for _ in range(2):
        await kept_up("tokens", write)
    assert tries == ["token"] * 2
