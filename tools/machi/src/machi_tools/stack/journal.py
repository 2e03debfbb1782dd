"""Tells the other commands how far the supervisor is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machi_tools.embedded.process import Identity
from machi_tools.errors import StackError
from machi_tools.stack.keeping import Keeper
from machi_tools.stack.state import Failure, Phase, Process, State, Step, write_state


class Journal:
    """The state file's only writer."""

    def __init__(self, path: Path, state: State, titles: dict[str, str]) -> None:
        self._path = path
        self.state = state
        state.steps = [Step(name=name, title=title) for name, title in titles.items()]
        self.save()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show one step as running, then as done or failed."""
        step = next(step for step in self.state.steps if step.name == name)
        began = time.monotonic()
        step.state = "running"
        self.save()
        try:
            yield step
        except BaseException:
            step.state = "failed"
            raise
        else:
            step.state = "done"
        finally:
            step.seconds = round(time.monotonic() - began, 2)
            self.save()

    def child(self, keeper: Keeper) -> None:
        """Note the process that a keeper started."""
        pid = keeper.child.pid
        if pid is not None:
            known = Identity.of(pid)
            self.state.processes[keeper.name] = Process(pid=pid, started=known.started, restarts=keeper.restarts)
            self.save()

    def phase(self, phase: Phase) -> None:
        """Note the phase."""
        self.state.phase = phase
        self.save()

    def failed(self, error: StackError) -> None:
        """Note why the stack did not come up."""
        self.state.failure = Failure(what=error.what, cure=error.cure, log=str(error.log or ""))
        self.phase("failed")

    def save(self) -> None:
        """Write the state."""
        write_state(self._path, self.state)
