"""Who works at a desk changed: the cards of its open cases offer other people."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from machi_reports.domain.conversation import Officer
from machi_reports.domain.states import Done
from machi_reports.ports import City

MOST = 20
# By then every replica that may be asked for a card has read the registry anew.
KNOWN_WITHIN = timedelta(minutes=1)


async def note_staff(desk_id: str, staff: Sequence[Officer], city: City, at: datetime) -> None:
    """Remember who works there, by a hash: people are not kept twice."""
    names = sorted(f"{one.staff_id} {one.name}" for one in staff)
    await city.reports.note_staff(desk_id, hashlib.sha256("\n".join(names).encode()).hexdigest(), at + KNOWN_WITHIN)


async def renew_desks(city: City, at: datetime) -> int:
    """Announce cards that are outdated; how many, `MOST` at a time."""
    report_ids = await city.reports.outdated(at, MOST)
    for report_id in report_ids:
        report = await city.reports.lock(report_id)
        if isinstance(report.renew(at), Done):
            await city.reports.save(report)
            city.hop("report.renewed", report_id=report_id)
    return len(report_ids)
