"""An officer takes a report on."""

from collections.abc import Collection

from machi_reports.domain.states import Done, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk


async def acknowledge_report(case: DeskCase, colleagues: Collection[str], city: City) -> Outcome:
    """Counts once; a rival's press finds it done. What none of the desk's `colleagues` holds is then the officer's."""
    report = await lock_at_desk(case, city)
    outcome = report.acknowledge(case.officer, case.at, colleagues)
    if isinstance(outcome, Done):
        await city.reports.save(report)
        city.hop("report.acknowledged", report_id=report.report_id)
    return outcome
