"""`machi bench`: runs benchmarks by name, and prints what was measured last."""

import subprocess
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from machi_tools import console
from machi_tools.benches import Bench, benches
from machi_tools.errors import StackError
from machi_tools.options import Json
from machi_tools.stack.layout import find_layout


def _known(incomplete: str) -> list[tuple[str, str]]:
    return [(each.name, each.about) for each in benches(find_layout()) if each.name.startswith(incomplete)]


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Which to run; none are run without a name.", autocompletion=_known),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run benchmarks by name, then print the last ratios of those, or of all: us over the baseline of the same run."""
    layout = find_layout()
    known = {each.name for each in benches(layout)}
    unknown = [name for name in names or [] if name not in known]
    if unknown or not known:
        cure = f"one of: {', '.join(sorted(known))}" if known else "run it in a checkout of Machi"
        raise StackError(f"there is no benchmark {', '.join(unknown)}".rstrip(), cure)
    for name in names or []:
        # What a benchmark prints is for people; a script reads one document.
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"], cwd=layout.root, check=False, stdout=sys.stderr
        )
        if done.returncode != 0:
            raise StackError(f"benchmark {name} failed", "see what it printed above")
    shown = [each for each in benches(layout) if not names or each.name in names]
    if as_json:
        console.print_json([asdict(each) for each in shown])
    else:
        _print(shown)


def _print(shown: list[Bench]) -> None:
    for each in shown:
        console.out.print(f"{each.name}: {each.about}")
        console.out.print(f"  measured {each.at}" if each.at else f"  never measured: machi bench {each.name}")
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name, ratio in each.ratios.items():
            table.add_row(name, f"{ratio:.2f} ×")
        if each.ratios:
            console.out.print(table)
