"""The reporter answers an officer's question."""

from dataclasses import replace

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.own_case import OwnCase, lock_own, reporter_says


async def answer_officer(case: OwnCase, text: str, question_id: str, city: City) -> Outcome:
    """Kept in time or late; an empty `question_id` is a word about the case that nobody asked for."""
    report = await lock_own(case, city)
    answer = replace(reporter_says(case, UpdateKind.ANSWER, text), question_id=question_id)
    outcome = report.answer(answer, await city.reports.conversation(case.report_id))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.answered", report_id=report.report_id)
    return outcome
