"""A desk is reminded of a case that is older than it should be, once per case and target."""

from dataclasses import dataclass
from datetime import datetime

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.reminding import WAITING, Target
from machi_reports.ports import City
from machi_sdk.ids import derived_id

MOST = 20


@dataclass(frozen=True)
class Reminded:
    """How many cases were reminded of, and whether there may be more."""

    count: int
    more: bool


async def remind_desk(target: Target, catalogue: Catalogue, city: City, at: datetime) -> Reminded:
    """Say so in each case's thread, `MOST` of each urgency at a time."""
    due = [
        await city.reminders.due(target, catalogue.due_before(target, at, urgent=urgent), MOST, urgent=urgent)
        for urgent in (True, False)
    ]
    in_order = sorted(report_id for report_ids in due for report_id in report_ids)
    count = sum([await _remind(report_id, target, city, at) for report_id in in_order])
    return Reminded(count, more=any(len(report_ids) == MOST for report_ids in due))


async def _remind(report_id: str, target: Target, city: City, at: datetime) -> bool:
    report = await city.reports.lock(report_id)
    # Whoever was first, another replica or a try that was cut off, gave it this id.
    update_id = derived_id("reminder", report_id, target, str(report.reopened))
    if report.state not in WAITING[target] or await city.reminders.was_given(update_id):
        return False
    report.remind(Update(update_id, UpdateKind.REMINDER, target.value, at))
    await city.reports.save(report)
    city.hop("report.reminded", report_id=report_id, target=target.value)
    return True
