"""Reports survive faults everywhere, in the short form."""

import json

import pytest

from benchmarks.results import FOLDER
from tests.city import City
from tests.endurance.memory import growing
from tests.endurance.reports import Ordeal, endure_reports, flat

REPORTS = 240
# The first of the kept runs whose slopes are per 2,000 reports of a life of 4,000, as they are now.
FIRST = "soak-reports-20261128-204411.json"


@pytest.mark.faults
@pytest.mark.stack
@pytest.mark.timeout(600)
async def test_no_report_card_or_push_is_lost_or_doubled_whatever_breaks(city: City) -> None:
    verdict = await endure_reports(city, Ordeal(REPORTS, every=2, rate=4, drain_seconds=240))
    assert verdict.filed == REPORTS
    assert verdict.problems() == {}
    assert verdict.at_rest
    assert sum(verdict.faults.values()) >= 3


@pytest.mark.parametrize(("filed", "seconds", "share"), [(25, 10, 0.25), (25, 30, 0.5), (100, 90, 1.5)])
def test_a_run_is_over_by_its_reports_or_its_time(filed: int, seconds: float, share: float) -> None:
    assert Ordeal(100, every=2, rate=4, drain_seconds=1, seconds=60).share(filed, seconds) == share
    assert Ordeal(100, every=2, rate=4, drain_seconds=1).share(filed, seconds) == filed / 100


def test_the_kept_runs_keep_the_bound_of_memory() -> None:
    kept = [path for path in sorted(FOLDER.glob("soak-reports-*.json")) if path.name >= FIRST]
    runs = [json.loads(path.read_text(encoding="utf-8"))["figures"] for path in kept]
    assert len(runs) >= 4
    assert [growing(run["slopes"], flat(run["filed"])) for run in runs] == [[]] * len(runs)


@pytest.mark.parametrize(("filed", "slope"), [(4_000, 1.01), (40_000, 1.01), (100_000, 0.41), (1_000_000, 0.05)])
def test_a_leak_is_told_at_a_smaller_slope_the_longer_the_run(filed: int, slope: float) -> None:
    told = growing({"reports": slope, "identity": 0.04}, flat(filed))
    assert len(told) == 1
    assert told[0].startswith(f"reports grows {slope} MB")
