"""The reporter says it is not done."""

from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.own_case import OwnCase, lock_own, reporter_says
from machi_sdk.errors import Unavailable
from machi_sdk.ids import new_id


async def reopen_report(case: OwnCase, text: str, city: City) -> Outcome:
    """Within 14 days of its end; the same desk gets it again, and it is no longer the same as another case."""
    leading = await _leading(case, city)
    report = await lock_own(case, city)
    if report.leading_id != (leading.report_id if leading else ""):
        raise Unavailable("case-busy", "the case was joined to another meanwhile")
    outcome = report.reopen(reporter_says(case, UpdateKind.REOPENING, text))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        if leading is not None:
            leading.part(Update(new_id(), UpdateKind.PARTED, report.filing.case_number, case.at))
            await city.reports.save(leading)
        city.hop("report.reopened", report_id=report.report_id)
    return outcome


async def _leading(case: OwnCase, city: City) -> Report | None:
    """The case that leads this one, locked first: the one order in which linked cases are locked."""
    leading_id = (await city.reports.get(case.report_id)).leading_id
    return await city.reports.lock(leading_id) if leading_id else None
