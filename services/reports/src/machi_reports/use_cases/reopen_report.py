"""The reporter says it is not done."""

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.own_case import OwnCase, lock_own, reporter_says


async def reopen_report(case: OwnCase, text: str, city: City) -> Outcome:
    """Within 14 days of the resolution; the same desk gets it again."""
    report = await lock_own(case, city)
    outcome = report.reopen(reporter_says(case, UpdateKind.REOPENING, text))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.reopened", report_id=report.report_id)
    return outcome
