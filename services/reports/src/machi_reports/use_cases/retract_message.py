"""A person took back an earlier message."""

from datetime import datetime

from machi_reports.ports import City


async def retract_message(event_id: str, city: City, at: datetime) -> int:
    """Blank what came with it and show the desks the cases anew; how many cases lost something.

    Whose message it was the platform knows: who unlinked the channel since is another citizen there.
    """
    blanked = await city.reports.blank_event(event_id)
    report_ids = sorted({*blanked, *await city.photos.take_back(event_id, at)})
    for report_id in report_ids:
        report = await city.reports.lock(report_id)
        if report.filing.place.event_id == event_id:
            report.without_place()
        desks, said = await city.reports.desks_of(report_id), await city.reports.conversation(report_id)
        report.retract(at, desks, said)
        await city.reports.save(report)
        city.hop("report.retracted", report_id=report_id)
    return len(report_ids)
