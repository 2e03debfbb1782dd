"""A desk is reminded of a case that is older than it should be, once per case and target."""

from datetime import datetime

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.reminding import WAITING, Target
from machi_reports.ports import City
from machi_sdk.ids import derived_id

MOST = 20


async def remind_desk(target: Target, catalogue: Catalogue, city: City, at: datetime) -> int:
    """Say so in each case's thread; how many were due, `MOST` of each urgency at a time."""
    found = 0
    for urgent in (True, False):
        before = catalogue.due_before(target, at, urgent=urgent)
        report_ids = await city.reminders.due(target, before, MOST, urgent=urgent)
        found = max(found, len(report_ids))
        for report_id in sorted(report_ids):
            await _remind(report_id, target, city, at)
    return found


async def _remind(report_id: str, target: Target, city: City, at: datetime) -> None:
    report = await city.reports.lock(report_id)
    # Whoever was first, another replica or a try that was cut off, gave it this id.
    update_id = derived_id("reminder", report_id, target, str(report.reopened))
    if report.state in WAITING[target] and not await city.reminders.was_given(update_id):
        report.remind(Update(update_id, UpdateKind.REMINDER, target.value, at))
        await city.reports.save(report)
        city.hop("report.reminded", report_id=report_id, target=target.value)
