"""An officer writes to the reporter; a session waits for the answer."""

from collections.abc import Awaitable, Callable

from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk, officer_says

# Opens the dialogue that waits for the reporter's answer to these words; returns the session's id.
OpenAnswer = Callable[[Report, Update], Awaitable[str]]


async def ask_reporter(case: DeskCase, text: str, open_answer: OpenAnswer, city: City) -> Outcome:
    """Possible in every state: an officer may have one more word after the case is closed."""
    report = await lock_at_desk(case, city)
    question = officer_says(case, UpdateKind.QUESTION, text)
    outcome = report.ask(case.officer, question, await open_answer(report, question))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.asked", report_id=report.report_id)
    return outcome
