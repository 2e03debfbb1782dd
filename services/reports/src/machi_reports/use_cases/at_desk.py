"""What an officer's use cases share: the case as seen from a desk."""

from dataclasses import dataclass, replace
from datetime import datetime

from machi_reports.domain.conversation import FOR_REPORTER, Officer, Update, UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.words import storable
from machi_reports.ports import City
from machi_sdk.errors import Denied
from machi_sdk.ids import new_id


@dataclass(frozen=True)
class DeskCase:
    """A case, the desk it is worked at, the officer, and the moment; `silent`: no words reach the reporter then.

    `seen` is the version of the card that the officer acts on; 0 where nobody knows.
    """

    report_id: str
    desk_id: str
    officer: Officer
    at: datetime
    silent: bool = False
    seen: int = 0

    @property
    def for_others(self) -> "DeskCase":
        """The same for cases that share its words: whether these reach their reporters is not known here."""
        return replace(self, silent=False)


@dataclass(frozen=True)
class Unread:
    """The reporter has written since the card was drawn that the officer acted on; nothing changed."""


async def is_unread(case: DeskCase, city: City) -> bool:
    """Whether nobody may close the locked case on what the officer saw of it."""
    return case.seen > 0 and await city.reports.wrote_since(case.report_id, case.seen)


async def lock_at_desk(case: DeskCase, city: City) -> Report:
    """The locked report; Denied when another desk holds it."""
    return at_desk(await city.reports.lock(case.report_id), case)


def at_desk(report: Report, case: DeskCase) -> Report:
    """The report itself; Denied when another desk holds it."""
    if report.desk_id != case.desk_id:
        raise Denied("report-elsewhere", "another desk holds this case now")
    return report


def officer_says(case: DeskCase, kind: UpdateKind, text: str) -> Update:
    """A new entry of the case's conversation, by the officer."""
    unsent = case.silent and kind in FOR_REPORTER
    return Update(new_id(), kind, storable(text), case.at, case.officer, unsent=unsent)
