"""Keeps children alive as a cluster would: one that died is started again, one that is merely stopped is left alone."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from machi_tools.embedded.process import Command, OwnProcess
from machi_tools.errors import StackError

FIRST_PAUSE, LONGEST_PAUSE = 0.3, 5.0
CALM_AFTER = 10.0
_LOOK_SECONDS = 0.05
log = structlog.get_logger()


class Child(Protocol):
    """Something that runs as one process."""

    def start(self) -> object:
        """Start it; returns when it runs."""
        ...

    def stop(self) -> None:
        """End it in order."""
        ...

    @property
    def pid(self) -> int | None:
        """Its process id, None once it has ended."""
        ...


@dataclass
class CommandChild:
    """A plain command; `extra` adds to its environment at each start."""

    command: Command
    extra: Callable[[], dict[str, str]]
    grace: float = 20.0
    _process: OwnProcess = field(default_factory=OwnProcess, init=False, repr=False)

    def start(self) -> None:
        """Start the command."""
        self._process.start(replace(self.command, environment={**self.command.environment, **self.extra()}))

    def stop(self) -> None:
        """Ask it to drain, and wait."""
        self._process.stop(grace=self.grace)

    @property
    def pid(self) -> int | None:
        """Its process id, None once it has ended."""
        return self._process.pid


@dataclass
class Keeper:
    """Watches one child; `changed` is called at each start, and once more where it took another process."""

    name: str
    child: Child
    changed: Callable[["Keeper"], None]
    restarts: int = 0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _starting: asyncio.Future[object] | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start the child and begin to watch it; a failing first start is the caller's to tell."""
        await self._begin()
        self._task = asyncio.create_task(self._watch(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """Stop watching, wait for a start that is under way, then end the child."""
        self._stopping.set()
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._task is not None:
            await self._task
        await asyncio.to_thread(self.child.stop)

    async def _watch(self) -> None:
        pause, since = FIRST_PAUSE, time.monotonic()
        while not self._stopping.is_set():
            if self.child.pid is not None:
                await self._nap(0.1)
                continue
            pause = FIRST_PAUSE if time.monotonic() - since > CALM_AFTER else min(pause * 2, LONGEST_PAUSE)
            log.warning("child-ended", child=self.name, pause=pause, restarts=self.restarts)
            await self._nap(pause)
            if not self._stopping.is_set():
                await self._start_again()
                since = time.monotonic()

    async def _start_again(self) -> None:
        self.restarts += 1
        try:
            await self._begin()
        except (StackError, OSError) as error:
            log.error("child-does-not-start", child=self.name, reason=str(error))

    async def _begin(self) -> None:
        """Start the child; it is told as soon as it is a process, for a server answers only seconds after that."""
        starting = self._starting = asyncio.ensure_future(asyncio.to_thread(self.child.start))
        while self.child.pid is None and not starting.done():
            await asyncio.wait([starting], timeout=_LOOK_SECONDS)
        told = None if starting.done() else self.child.pid
        if told is not None:
            self.changed(self)
        await asyncio.shield(starting)
        if told is None or told != self.child.pid:
            self.changed(self)

    async def _nap(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
