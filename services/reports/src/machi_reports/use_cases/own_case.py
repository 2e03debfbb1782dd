"""What a reporter's use cases share: the case as its own reporter sees it."""

from dataclasses import dataclass
from datetime import datetime

from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.words import storable
from machi_reports.ports import City
from machi_sdk.errors import Missing
from machi_sdk.ids import new_id


@dataclass(frozen=True)
class OwnCase:
    """A case of the citizen who acts, the message it came with, and the moment."""

    report_id: str
    citizen_id: str
    event_id: str
    at: datetime


async def lock_own(case: OwnCase, city: City) -> Report:
    """The locked report; Missing when it is somebody else's."""
    report = await city.reports.lock(case.report_id)
    if report.filing.citizen_id != case.citizen_id:
        raise Missing("report-unknown")
    return report


def reporter_says(case: OwnCase, kind: UpdateKind, text: str) -> Update:
    """A new entry of the case's conversation, by the reporter."""
    return Update(new_id(), kind, storable(text), case.at, event_id=case.event_id)
