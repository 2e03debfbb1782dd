"""`make soak`: the long form; smaller numbers make it shorter, at the same pace of faults."""

import argparse
import asyncio
import math
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.results import keep
from tests.city import machi, visit
from tests.endurance import records, reports
from tests.endurance.many_desks import open_desks
from tests.endurance.memory import growing

# No officer opens the lines of a flood here: its cards follow soon.
_CALM = ("SLACK_CALM_SECONDS", "2")


def main() -> None:
    """Endure, print the figures, and end with 1 when anything was lost, doubled, left, or grew."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--reports", type=int, default=100_000, help="reports to file, default %(default)s")
    parser.add_argument("--records", type=int, default=1_000_000, help="records to carry, default %(default)s")
    parser.add_argument("--every", type=float, default=4.0, help="seconds between two faults, default %(default)s")
    parser.add_argument("--rate", type=float, default=20.0, help="reports filed a second at most, default %(default)s")
    parser.add_argument("--minutes", type=float, default=math.inf, help="file reports for so long at most, then judge")
    parser.add_argument("--seed", type=int, default=1, help="chooses the faults, default %(default)s")
    chosen = parser.parse_args()
    sys.exit(asyncio.run(_endure(chosen)))


async def _endure(chosen: argparse.Namespace) -> int:
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        if chosen.records:
            problems += await _records(chosen, Path(folder))
        if chosen.reports:
            problems += await _reports(chosen, Path(folder) / "stack")
    for problem in problems:
        print(f"NOT WELL: {problem}")
    print("not well" if problems else "all is well: nothing lost, nothing double, all drained")
    return 1 if problems else 0


async def _records(chosen: argparse.Namespace, folder: Path) -> list[str]:
    began = time.perf_counter()
    verdict = await records.endure_records(chosen.records, folder, chosen.every, chosen.seed)
    figures = asdict(verdict) | {"lost": verdict.lost, "double": verdict.double}
    _tell("records", figures, time.perf_counter() - began)
    found = [f"{verdict.lost} records lost"] if verdict.lost else []
    found += [f"{verdict.double} records double"] if verdict.double else []
    found += [f"{count} rows left in {table}" for table, count in verdict.left.items() if count]
    return found + [f"{each} per {records.UNIT:,} records" for each in growing(verdict.slopes, records.FLAT)]


async def _reports(chosen: argparse.Namespace, state: Path) -> list[str]:
    os.environ.setdefault(*_CALM)
    machi(state, "up")
    try:
        async with visit(state) as city:
            began = time.perf_counter()
            # Slack takes forty changes a minute of us: a card shown before its case was taken on needs one.
            patience = 300 + chosen.reports / 5
            await open_desks(city)
            ordeal = reports.Ordeal(
                chosen.reports, chosen.every, chosen.rate, patience, chosen.seed, chosen.minutes * 60
            )
            verdict = await reports.endure_reports(city, ordeal)
    finally:
        machi(state, "down", check=False)
    _tell("reports", asdict(verdict), time.perf_counter() - began)
    found = [f"{what}: {len(cases)}, such as {cases[0]}" for what, cases in verdict.problems().items()]
    found += [] if verdict.at_rest else ["the city did not come to rest"]
    flat = reports.flat(verdict.filed)
    return found + [f"{each} per {reports.UNIT:,} reports" for each in growing(verdict.slopes, flat)]


def _tell(name: str, figures: dict[str, object], seconds: float) -> None:
    figures = {**figures, "seconds": round(seconds, 1)}
    for key, value in figures.items():
        print(f"{name} {key:18} {value}")
    print(f"kept in {keep(f'soak-{name}', figures)}", flush=True)


if __name__ == "__main__":
    main()
