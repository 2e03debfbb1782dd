"""An officer gives a report to a colleague."""

from collections.abc import Collection

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk, officer_says
from machi_sdk.errors import Invalid


async def assign_report(case: DeskCase, staff_id: str, colleagues: Collection[str], city: City) -> Outcome:
    """Whoever held it before; Invalid when it is none of the desk's `colleagues`."""
    if staff_id not in colleagues:
        raise Invalid("colleague-unknown", "choose somebody who works at this desk")
    report = await lock_at_desk(case, city)
    outcome = report.assign(case.officer, staff_id, officer_says(case, UpdateKind.ASSIGNMENT, staff_id))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.assigned", report_id=report.report_id)
    return outcome
