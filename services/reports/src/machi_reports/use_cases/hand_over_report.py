"""An officer gives a report to another desk."""

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk, officer_says
from machi_sdk.errors import Invalid


async def hand_over_report(case: DeskCase, to_desk_id: str, text: str, catalogue: Catalogue, city: City) -> Outcome:
    """The words, if any, are for the colleagues; Invalid when the city has no such desk."""
    if catalogue.desk(to_desk_id) is None:
        raise Invalid("desk-unknown", "choose one of the city's desks")
    report = await lock_at_desk(case, city)
    outcome = report.hand_over(case.officer, to_desk_id, officer_says(case, UpdateKind.HANDOVER, text))
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.handed-over", report_id=report.report_id, desk_id=to_desk_id)
    return outcome
