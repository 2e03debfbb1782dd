"""An officer takes a report on."""

from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk


async def acknowledge_report(case: DeskCase, city: City) -> Outcome:
    """Counts once; a rival's press finds it done."""
    report = await lock_at_desk(case, city)
    outcome = report.acknowledge(case.officer, case.at)
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.acknowledged", report_id=report.report_id)
    return outcome
