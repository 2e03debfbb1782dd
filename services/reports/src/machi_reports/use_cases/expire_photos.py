"""Photos of closed cases are kept as long as the city says, and no longer."""

from datetime import datetime, timedelta

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.states import CLOSED_STATES
from machi_reports.ports import City

MOST = 20


async def expire_photos(catalogue: Catalogue, city: City, at: datetime) -> int:
    """Remove them and show every desk that saw them the case anew; how many cases, `MOST` at a time."""
    since = at - timedelta(days=catalogue.photo_days)
    report_ids = await city.photos.closed_before(since, MOST)
    for report_id in sorted(report_ids):
        report = await city.reports.lock(report_id)
        is_due = report.state in CLOSED_STATES and (report.closed_at or since) <= since
        if is_due and await city.photos.expire(report_id, at):
            report.expire(at, await city.reports.desks_of(report_id))
            await city.reports.save(report)
            city.hop("photos.expired", report_id=report_id)
    return len(report_ids)
