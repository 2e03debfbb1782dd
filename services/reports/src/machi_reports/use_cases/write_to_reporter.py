"""An officer has a word for the reporter."""

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.ask_reporter import OpenAnswer
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk, officer_says


async def write_to_reporter(case: DeskCase, text: str, open_answer: OpenAnswer, city: City) -> Outcome:
    """Possible in every state; the case stays where it stands, and what the reporter replies is kept."""
    report = await lock_at_desk(case, city)
    message = officer_says(case, UpdateKind.MESSAGE, text)
    outcome = report.write(case.officer, message, await open_answer(report, message))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.written-to", report_id=report.report_id)
    return outcome
