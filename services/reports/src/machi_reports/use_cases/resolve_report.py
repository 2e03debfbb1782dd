"""An officer says it is done."""

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, Unread, is_unread, lock_at_desk, officer_says
from machi_reports.use_cases.close_duplicates import close_duplicates


async def resolve_report(case: DeskCase, text: str, city: City) -> Outcome | Unread:
    """The note goes to the reporter, who may rate it or reopen it."""
    report = await lock_at_desk(case, city)
    if await is_unread(case, city):
        return Unread()
    outcome = report.resolve(case.officer, officer_says(case, UpdateKind.NOTE, text))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        await close_duplicates(case, report, UpdateKind.NOTE, text, city)
        city.hop("report.resolved", report_id=report.report_id)
    return outcome
