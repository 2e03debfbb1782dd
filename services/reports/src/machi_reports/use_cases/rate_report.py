"""The reporter rates what was done."""

from dataclasses import dataclass

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.own_case import OwnCase, lock_own, reporter_says


@dataclass(frozen=True)
class Rated:
    """What came of it, and the report as it is now."""

    outcome: Outcome
    report: Report


async def rate_report(case: OwnCase, score: int, city: City) -> Rated:
    """One rating, 1 to 5, per resolution."""
    report = await lock_own(case, city)
    outcome = report.rate(score, reporter_says(case, UpdateKind.RATING, str(score)))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.rated", report_id=report.report_id)
    return Rated(outcome, report)
