"""An officer leaves a word for colleagues."""

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk, officer_says


async def leave_note(case: DeskCase, text: str, city: City) -> Outcome:
    """It stays inside the city: no fact says so, and nobody outside may read it."""
    report = await lock_at_desk(case, city)
    outcome = report.note(case.officer, officer_says(case, UpdateKind.INTERNAL, text))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.noted", report_id=report.report_id)
    return outcome
