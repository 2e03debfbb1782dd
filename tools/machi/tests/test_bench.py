"""`machi bench`: benchmarks by name, and the ratios that their last runs left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from machi_tools.benches import benches, ratios_of
from machi_tools.stack.layout import ROOT, Layout

QUICK = '''"""Measures nothing, quickly.

More words.
"""

import json
import pathlib

if __name__ == "__main__":
    print("measuring")
    folder = pathlib.Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    figures = {"p50_ratio": 1.5, "pod": {"seconds": 3, "bare_seconds": 2}}
    content = {"at": "2026-11-28T00:00:00+00:00", "figures": figures}
    (folder / "quick-20261128-000000.json").write_text(json.dumps(content))
'''


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmarks"
    (folder / "results").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "quick.py").write_text(QUICK)
    (folder / "broken.py").write_text('"""Breaks."""\nif __name__ == "__main__":\n    raise SystemExit(3)\n')
    (folder / "part.py").write_text('"""No benchmark."""\n')
    older = {"at": "2025-01-01T00:00:00+00:00", "figures": {"p50_ratio": 9}}
    (folder / "results" / "quick-20250101-000000.json").write_text(json.dumps(older))
    return tmp_path


def machi(checkout: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "MACHI_ROOT": str(checkout), "MACHI_STATE_DIR": str(checkout / "state")}
    command = [sys.executable, "-m", "machi_tools", "bench", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_without_a_name_nothing_runs_and_the_last_ratios_are_shown(checkout: Path) -> None:
    told = machi(checkout).stdout
    assert "quick: Measures nothing, quickly." in told
    assert "p50    9.00 ×" in told
    assert "broken: Breaks." in told
    assert "never measured: machi bench broken" in told
    assert "part" not in told


def test_a_named_one_runs_and_its_new_ratios_are_shown(checkout: Path) -> None:
    told = machi(checkout, "quick", "--json")
    assert json.loads(told.stdout) == [
        {
            "name": "quick",
            "about": "Measures nothing, quickly.",
            "at": "2026-11-28T00:00:00+00:00",
            "ratios": {"p50": 1.5, "pod seconds": 1.5},
        }
    ]
    assert "measuring" in told.stderr


@pytest.mark.parametrize(
    ("name", "words"), [("broken", "benchmark broken failed"), ("nothing", "there is no benchmark nothing")]
)
def test_what_cannot_be_measured_is_told(checkout: Path, name: str, words: str) -> None:
    told = machi(checkout, name)
    assert told.returncode == 1
    assert words in told.stderr
    assert "cure:" in told.stderr


def test_the_benchmarks_of_this_checkout_have_ratios() -> None:
    found = {each.name: each for each in benches(Layout(ROOT, ROOT / ".machi"))}
    assert {"webhook", "footprint", "pipeline", "consent"} <= set(found)
    assert all(each.about for each in found.values())
    assert not [name for name, each in found.items() if not each.ratios]
    assert {"p50", "p99", "hung"} <= set(found["webhook"].ratios)
    assert {"of_hand_batched", "times_plain"} <= set(found["pipeline"].ratios)
    assert {"of_bare", "many_times_one"} <= set(found["consent"].ratios)
    assert found["footprint"].ratios["identity megabytes"] > 1


def test_a_figure_without_a_baseline_is_no_ratio() -> None:
    figures = {"x": 3, "bare_x": 0, "y": 2, "z_ratio": "none", "times": 5, "of": 5, "ok": {"v": 4.0, "bare_v": 2}}
    assert dict(ratios_of(figures)) == {"ok v": 2.0}


def test_each_measurement_brings_the_stack_it_needs() -> None:
    """`make bench` runs all of them on a machine where nothing runs."""
    asking = ("find_layout(", "read_state(")
    found = [path for path in (ROOT / "benchmarks").glob("*.py") if path.name != "stacks.py"]
    assert len(found) > 5
    assert [path.name for path in found if any(word in path.read_text(encoding="utf-8") for word in asking)] == []
