"""An officer takes a rejection back, as after a wrong press."""

from machi_reports.domain.states import Done, NotNow, Outcome
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, lock_at_desk


async def unreject_report(case: DeskCase, city: City) -> Outcome:
    """The case is worked on again, and so are those that ended with it; one that follows another ends as that does."""
    report = await lock_at_desk(case, city)
    if report.leading_id:
        return NotNow(report.state)
    outcome = report.unreject(case.officer, case.at)
    if isinstance(outcome, Done):
        followers = await city.reports.lock_led_by(report.report_id)
        again = [each for each in followers if isinstance(each.unreject(case.officer, case.at), Done)]
        await city.reports.save(report, *again)
        city.hop("report.unrejected", report_id=report.report_id)
    return outcome
