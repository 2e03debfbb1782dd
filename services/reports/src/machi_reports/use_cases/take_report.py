"""An officer makes a report theirs."""

from collections.abc import Collection

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk, officer_says


async def take_report(case: DeskCase, colleagues: Collection[str], city: City) -> Outcome:
    """Counts while none of the desk's `colleagues` holds it."""
    report = await lock_at_desk(case, city)
    entry = officer_says(case, UpdateKind.ASSIGNMENT, case.officer.staff_id)
    outcome = report.take(case.officer, entry, colleagues)
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.taken", report_id=report.report_id)
    return outcome
