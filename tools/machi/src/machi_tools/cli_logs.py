"""`machi logs`: what the processes say, readable."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from machi_tools import console
from machi_tools.errors import StackError
from machi_tools.log_view import Line, Wanted, in_order, read_line, shown
from machi_tools.stack.layout import Layout, find_layout
from machi_tools.stack.logs import Following, last_lines

Level = Literal["debug", "info", "warning", "error", "critical"]


def _known(incomplete: str) -> list[str]:
    return [path.stem for path in _all(find_layout()) if path.stem.startswith(incomplete)]


def logs(  # noqa: PLR0913, PLR0917 (they are the command's options)
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Processes; all of them without a name.", autocompletion=_known),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many last lines of each.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing what is added.")] = False,
    level: Annotated[Level, typer.Option(help="Only lines of this level and above.")] = "debug",
    trace: Annotated[str, typer.Option(help="Only lines of this trace; the beginning of its id is enough.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they were written, JSON only.")] = False,
) -> None:
    """Show what the processes say, by time; without a terminal there are no colours."""
    wanted = Wanted(level, trace)
    paths = _named(find_layout(), names or [])
    following = Following(paths)
    found = [read_line(path.stem, raw) for path in paths for raw in _last(path, lines, wanted)]
    _print(in_order(found), as_json=as_json)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            added = (read_line(path.stem, raw) for path, raw in following.added())
            _print((line for line in added if wanted.has(line)), as_json=as_json)


def _named(layout: Layout, names: list[str]) -> list[Path]:
    """The logs of these names, or all; StackError with the cure when one is not there."""
    there = _all(layout)
    paths = [layout.log(name) for name in names] or there
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None or not paths:
        known = ", ".join(path.stem for path in there)
        raise StackError(f"there is no log {missing or ''}".rstrip(), f"one of: {known}" if known else "make up")
    return paths


def _all(layout: Layout) -> list[Path]:
    return sorted((layout.state / "log").glob("*.log"))


def _last(path: Path, count: int, wanted: Wanted) -> list[str]:
    return last_lines(path, count, lambda raw: wanted.has(read_line(path.stem, raw)))


def _print(found: Iterable[Line], *, as_json: bool) -> None:
    for line in found:
        if not as_json:
            console.out.print(shown(line))
        elif line.values:
            console.out.print(line.raw)
