"""Each working morning every desk hears which of its cases are older than they should be."""

from datetime import datetime

from machi_reports.domain.catalogue import Catalogue
from machi_reports.ports import City

MOST_LISTED = 20


async def sum_up_day(catalogue: Catalogue, city: City, at: datetime) -> bool:
    """Once per working day, whoever asks and however often; True when it was this time."""
    day = catalogue.reminding.summary_day(at, catalogue.time_zone)
    if day is None or not await city.reminders.begin_day(day, at):
        return False
    for desk_id, report_ids in sorted((await city.reminders.overdue()).items()):
        city.reminders.sum_up(desk_id, day, report_ids[:MOST_LISTED], max(0, len(report_ids) - MOST_LISTED))
    return True
