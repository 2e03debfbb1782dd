"""A leading case was closed: so are those that are the same."""

from machi_reports.domain.conversation import UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.states import Done
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, officer_says


async def close_duplicates(case: DeskCase, leading: Report, kind: UpdateKind, text: str, city: City) -> None:
    """Each once, with the same words; one whose end came before keeps it."""
    followers = await city.reports.lock_led_by(leading.report_id)
    others = case.for_others
    outcomes = [report.follow(case.officer, leading.state, officer_says(others, kind, text)) for report in followers]
    closed = [report for report, outcome in zip(followers, outcomes, strict=True) if isinstance(outcome, Done)]
    await city.reports.save(*closed)
    for report in closed:
        city.hop("report.followed", report_id=report.report_id)
