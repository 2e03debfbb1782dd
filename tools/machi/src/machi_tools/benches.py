"""The benchmarks of this checkout: what each measures, and the ratios of its last run."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from machi_tools.stack.layout import Layout

_RATIO, _BASELINE = "_ratio", "bare_"
_COMPARED = re.compile(r".+_ratio|of_.+|(.+_)?times_.+")


@dataclass(frozen=True)
class Bench:
    """One benchmark; `at` is empty while it was never run, a ratio compares us with the baseline of the same run."""

    name: str
    about: str
    at: str
    ratios: dict[str, float]


def benches(layout: Layout) -> list[Bench]:
    """Every benchmark, by name."""
    folder = layout.root / "benchmarks"
    return [_bench(path) for path in sorted(folder.glob("*.py")) if '__name__ == "__main__"' in path.read_text()]


def _bench(path: Path) -> Bench:
    about = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    results = sorted((path.parent / "results").glob(f"{path.stem}-*.json"))
    last = json.loads(results[-1].read_text(encoding="utf-8")) if results else {}
    return Bench(path.stem, about, str(last.get("at", "")), dict(ratios_of(last.get("figures", {}))))


def ratios_of(figures: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """Figures called `…_ratio`, `of_…` or `…times_…`, and each figure over the one called `bare_…` beside it."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from ((f"{name} {inner}", ratio) for inner, ratio in ratios_of(value))
        elif isinstance(value, int | float):
            base = figures.get(_BASELINE + name)
            if _COMPARED.fullmatch(name):
                yield name.removesuffix(_RATIO), float(value)
            elif isinstance(base, int | float) and base:
                yield name, round(value / base, 2)
