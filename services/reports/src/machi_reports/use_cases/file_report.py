"""A resident files a report."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from machi_reports.domain.case_number import PAYLOADS, make_case_number
from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.report import Filing, Place, Report
from machi_reports.domain.words import storable
from machi_reports.ports import City
from machi_sdk.ids import new_id


@dataclass(frozen=True)
class FileReport:
    """Everything the resident said; `ward_code` may be empty, and there may be no photos."""

    citizen_id: str
    category_code: str
    details: Mapping[str, str]
    place: Place
    ward_code: str
    words: str
    words_event_id: str
    photo_ids: Sequence[str]
    messages_allowed: bool | None
    trace_id: str


async def file_report(command: FileReport, catalogue: Catalogue, city: City, at: datetime) -> Report:
    """Give it a case number and a desk; a photo that is gone by now does not stop it."""
    filing = Filing(
        report_id=new_id(),
        case_number=await _free_number(catalogue.case_prefix, city),
        citizen_id=command.citizen_id,
        category_code=command.category_code,
        details=command.details,
        place=_storable_place(command.place),
        ward_code=command.ward_code,
        messages_allowed=command.messages_allowed,
        trace_id=command.trace_id,
        filed_at=at,
        urgent=_is_urgent(command, catalogue),
    )
    words = Update(new_id(), UpdateKind.WORDS, storable(command.words), at, event_id=command.words_event_id)
    report = Report.file(filing, catalogue.route(command.category_code, command.ward_code), words)
    await city.reports.add(report)
    for position, photo_id in enumerate(command.photo_ids):
        await city.photos.attach(photo_id, report.report_id, command.citizen_id, position)
    city.hop("report.filed", report_id=report.report_id, desk_id=report.desk_id)
    return report


def _is_urgent(command: FileReport, catalogue: Catalogue) -> bool:
    """By its kind, or by its own words or those of its place, whatever kind was chosen."""
    told = any(map(catalogue.urgent_office_in, (command.words, command.place.words)))
    return told or catalogue.is_urgent(command.category_code, command.details)


async def _free_number(prefix: str, city: City) -> str:
    while True:
        number = make_case_number(prefix, secrets.randbelow(PAYLOADS))
        if await city.reports.find(number) is None:
            return number


def _storable_place(place: Place) -> Place:
    title, address = storable(place.title), storable(place.address)
    return Place(place.latitude, place.longitude, title, address, place.event_id)
