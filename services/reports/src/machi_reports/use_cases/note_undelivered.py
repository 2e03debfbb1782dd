"""A message to the reporter did not arrive."""

from dataclasses import dataclass
from datetime import datetime

from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.ports import City
from machi_sdk.ids import derived_id


@dataclass(frozen=True)
class Undelivered:
    """A delivery that ended without reaching anybody: which step of which report it told of, and why."""

    delivery_id: str
    report_id: str
    version: int
    reason: str


async def note_undelivered(lost: Undelivered, city: City, at: datetime) -> None:
    """Say so in the case's thread, once per delivery, and on the trace of the case."""
    told_at = await city.reports.moment_of(lost.report_id, lost.version)
    if told_at is None:
        return  # it was about something else than a case
    report = await city.reports.lock(lost.report_id)
    update_id = derived_id("undelivered", lost.delivery_id)
    if any(entry.update_id == update_id for entry in await city.reports.conversation(report.report_id)):
        return
    report.miss(Update(update_id, UpdateKind.UNDELIVERED, told_at.isoformat(), at))
    await city.reports.save(report)
    codes = {"report_id": report.report_id, "delivery_id": lost.delivery_id, "reason": lost.reason}
    city.hop_of(report.filing.trace_id, "report.undelivered", codes)
