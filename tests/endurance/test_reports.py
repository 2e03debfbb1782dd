"""Reports survive faults everywhere, in the short form."""

import pytest

from tests.city import City
from tests.endurance.reports import Ordeal, endure_reports

REPORTS = 240


@pytest.mark.faults
@pytest.mark.stack
@pytest.mark.timeout(600)
async def test_no_report_card_or_push_is_lost_or_doubled_whatever_breaks(city: City) -> None:
    verdict = await endure_reports(city, Ordeal(REPORTS, every=2, rate=4, drain_seconds=240))
    assert verdict.filed == REPORTS
    assert verdict.problems() == {}
    assert verdict.at_rest
    assert sum(verdict.faults.values()) >= 3
