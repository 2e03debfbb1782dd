"""Whether messages reach a citizen changed: their open cases are shown anew."""

from datetime import datetime

from machi_reports.domain.states import Done
from machi_reports.ports import City


async def renew_cards(citizen_id: str, changed_at: datetime, city: City, at: datetime) -> None:
    """Of cases that were there by then: the card of a later one says it already."""
    reports = await city.reports.lock_open_of(citizen_id, changed_at)
    renewed = [report for report in reports if isinstance(report.renew(at), Done)]
    await city.reports.save(*renewed)
    for report in renewed:
        city.hop("report.renewed", report_id=report.report_id)
