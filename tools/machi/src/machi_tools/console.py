"""What people see: progress while it happens, then a short list."""

import json
import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from machi_tools.errors import StackError
from machi_tools.stack.state import State, Step

# What is printed are others' names and words: square brackets and colons are theirs, not styles and emoji.
_width = None if sys.stdout.isatty() else 200
out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, width=_width)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
MARKS = {"waiting": "·", "running": "…", "done": "✓", "failed": "✗"}


class Progress:
    """Live steps on a terminal, one plain line per finished step elsewhere."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._live = Live(console=err, refresh_per_second=10, transient=False) if err.is_terminal else None

    def __enter__(self) -> "Progress":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, state: State) -> None:
        """Show the steps as they are now."""
        if self._live is not None:
            self._live.update(_table(state.steps))
            return
        for step in state.steps:
            if step.state in ("done", "failed") and step.name not in self._told:
                self._told.add(step.name)
                err.print(f"{MARKS[step.state]} {step.title} ({step.seconds:.1f} s)")


def _table(steps: Sequence[Step]) -> Table:
    table = Table.grid(padding=(0, 1))
    for step in steps:
        seconds = f"{step.seconds:.1f} s" if step.seconds else ""
        table.add_row(MARKS[step.state], step.title, seconds, step.detail if step.state == "running" else "")
    return table


def tell(error: StackError) -> None:
    """What, cure, log: a line each."""
    err.print(f"✗ {error.what}")
    err.print(f"  cure: {error.cure}")
    if error.log:
        err.print(f"  log: {error.log}")


def end(silent: Sequence[StackError]) -> None:
    """Say of each pod that did not answer why, and end with exit code 1 when there is one."""
    for error in silent:
        tell(error)
    if silent:
        raise typer.Exit(1)


def note(words: str) -> None:
    """One line beside the result."""
    err.print(words)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=1, default=str)
    sys.stdout.write("\n")


def summary(state: State) -> dict[str, object]:
    """What `machi up --json` prints."""
    views = {"phone": f"http://{state.simulator}/phone", "workspace": f"http://{state.simulator}/workspace"}
    return {
        "phase": state.phase,
        "views": views if state.simulator else {},
        "webhooks": state.webhooks,
        "metrics": {pod.name: f"http://{pod.http}/metrics" for pod in state.pods},
        "pods": [pod.model_dump() for pod in state.pods],
        "notes": state.notes,
    }


def print_summary(state: State) -> None:
    """The short list at the end of `machi up`."""
    if state.simulator:
        out.print(f"phone view    http://{state.simulator}/phone")
        out.print(f"Slack view    http://{state.simulator}/workspace")
    for place, (name, url) in enumerate(state.webhooks.items()):
        out.print(f"{'webhooks' if place == 0 else '':<14}{url}  {name}")
    for place, pod in enumerate(state.pods):
        out.print(f"{'metrics' if place == 0 else '':<14}http://{pod.http}/metrics  {pod.name}")
    out.print("a case's way  .venv/bin/machi trace <case number>")
    out.print("health        .venv/bin/machi doctor")
    for note in state.notes:
        out.print(f"note          {note}")
