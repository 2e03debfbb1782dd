"""What the use cases ask of the world."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.consent import Chooser, Decision
from machi_reports.domain.conversation import Officer, Update
from machi_reports.domain.photo import CasePhoto, CleanPhoto, Lying, OldPhoto, PhotoClaim, PhotoVerdict, StoredPhoto
from machi_reports.domain.reminding import Target
from machi_reports.domain.report import Report
from machi_reports.domain.states import Move, State, Step


@dataclass(frozen=True)
class OpenCases:
    """Open cases of some desks; all of them, those of one holder (empty: of nobody), or those in one state.

    Where it is known whose desk it is, who is not among its `staff` holds nothing.
    """

    desk_ids: tuple[str, ...]
    assignee_id: str | None = None
    state: State | None = None
    staff: Mapping[str, Collection[str]] = field(default_factory=dict)


class Reports(Protocol):
    """The reports of the work's tenant."""

    async def add(self, report: Report) -> None:
        """Store a new report and its facts; Conflict when its case number is taken."""
        ...

    async def lock(self, report_id: str) -> Report:
        """The report, nobody else's to change until the work ends; Missing when there is none."""
        ...

    async def save(self, *reports: Report) -> None:
        """Store the fresh steps of locked reports, and let their facts and cards leave with the commit."""
        ...

    async def get(self, report_id: str) -> Report:
        """The report as it is; Missing when there is none."""
        ...

    async def find(self, case_number: str) -> Report | None:
        """The report with that case number."""
        ...

    async def led_by(self, report_id: str) -> list[Report]:
        """The cases that were found to be the same as this one."""
        ...

    async def lock_led_by(self, report_id: str) -> list[Report]:
        """The same, nobody else's to change until the work ends; the leading case is locked before."""
        ...

    async def alike(self, report: Report, limit: int) -> list[Report]:
        """Open cases of the same category, the nearest and newest first; without a point, those of the ward."""
        ...

    async def open_cases(self, which: OpenCases, limit: int) -> tuple[int, list[Report]]:
        """How many there are, and the oldest of them."""
        ...

    async def of_citizen(self, citizen_id: str, limit: int, skip: int) -> tuple[int, list[Report]]:
        """How many the citizen has, and some behind the first `skip`: asked, then open, each newest first."""
        ...

    async def filed_since(self, citizen_id: str, since: datetime) -> int:
        """How many the citizen filed after that moment."""
        ...

    async def conversation(self, report_id: str) -> list[Update]:
        """Everything said about it, oldest first."""
        ...

    async def conversations(self, report_ids: Sequence[str]) -> dict[str, list[Update]]:
        """The same of several reports, by their ids."""
        ...

    async def last_step(self, report_id: str, among: Collection[Move]) -> Step | None:
        """The last of these moves that an officer made; None before any did."""
        ...

    async def wrote_since(self, report_id: str, version: int) -> bool:
        """Whether the reporter answered or reopened it after that version."""
        ...

    async def desks_of(self, report_id: str) -> list[str]:
        """Every desk that holds the report or ever held it."""
        ...

    async def moment_of(self, report_id: str, version: int) -> datetime | None:
        """When the report's step of that version was made; None when there is no such step."""
        ...

    async def said_in(self, report_id: str, version: int) -> str:
        """The id of what the report's step of that version said; empty when nothing."""
        ...

    async def lock_open_of(self, citizen_id: str, before: datetime) -> list[Report]:
        """A citizen's open reports that were filed by then, nobody else's to change until the work ends."""
        ...

    async def note_staff(self, desk_id: str, staff: str, renew_at: datetime) -> None:
        """Who works at a desk, in any words; others than before make the desk's cards outdated from then on."""
        ...

    async def outdated(self, at: datetime, most: int) -> list[str]:
        """Open reports whose desk has had other staff since its card was announced."""
        ...

    async def blank_event(self, event_id: str) -> list[str]:
        """Blank words and place that came with a message, whoever sent it; the reports that lost something."""
        ...


class Photos(Protocol):
    """The photos of the work's tenant."""

    async def add(self, photo: StoredPhoto, at: datetime) -> str:
        """Name a written photo, once per event; the id it has. Unavailable when its objects were swept meanwhile."""
        ...

    async def drop_beyond(self, most: int, citizen_id: str, at: datetime) -> None:
        """Drop the oldest loose photos of a citizen beyond the newest so many; what they are writing keeps its own."""
        ...

    async def of_event(self, event_id: str) -> str | None:
        """The id of the photo that came with a message."""
        ...

    async def attach(self, photo_id: str, report_id: str, citizen_id: str, position: int) -> bool:
        """Give the citizen's own loose photo to a report; False when it is gone."""
        ...

    async def is_loose(self, photo_id: str, citizen_id: str) -> bool:
        """Whether the citizen sent that photo and no report has it yet."""
        ...

    async def of_report(self, report_id: str) -> list[CasePhoto]:
        """A report's photos in order, those that are gone too."""
        ...

    async def find(self, photo_id: str, report_id: str) -> Lying | OldPhoto | None:
        """Where a report's photo lies; None when it is gone."""
        ...

    async def take_back(self, event_id: str, at: datetime) -> list[str]:
        """Remove the photo that came with a message, whoever sent it; the report that lost it, if one had it."""
        ...

    async def expire(self, report_id: str, at: datetime) -> int:
        """Remove the photos of a report whose time is over; how many there were."""
        ...

    async def drop_loose(self, before: datetime, most: int, at: datetime) -> int:
        """Drop photos that no report took; how many there were."""
        ...

    async def closed_before(self, moment: datetime, most: int) -> list[str]:
        """Reports with photos, closed before then and still closed."""
        ...

    async def unmoved(self) -> OldPhoto | None:
        """A photo whose bytes still lie in its row; None when there is none left."""
        ...

    async def move(self, photo_id: str, lying: Lying) -> bool:
        """Let the row of such a photo name its objects instead; False when the photo is gone meanwhile."""
        ...


class PhotoObjects(Protocol):
    """Which objects of the work's tenant may lie in the store, whatever became of who wrote them."""

    async def expect(self, key: str, until: datetime) -> None:
        """Objects are about to be written under this key; they are swept unless a photo names them by then."""
        ...

    async def claim(self, now: datetime, most: int) -> list[str]:
        """Keys whose objects are to be deleted, this caller's alone for a minute; no photo can name them any more."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Claimed objects that are gone."""
        ...


class Accesses(Protocol):
    """The log of who was shown what; it only grows."""

    async def log(self, report_id: str, what: str, reader: str) -> None:
        """Write one line."""
        ...


class Catalogues(Protocol):
    """The catalogues of the work's tenant; each version is kept."""

    async def put(self, document: Mapping[str, object]) -> int:
        """Store the next version; its number. The newest one's again when it is the same."""
        ...


class CatalogueDocuments(Protocol):
    """Catalogues as municipalities write them."""

    async def check(self, text: str) -> Mapping[str, object]:
        """The document; Invalid names the first wrong place. Takes seconds, and holds up nobody meanwhile."""
        ...

    def read(self, document: Mapping[str, object], version: int) -> Catalogue:
        """A checked document as the domain has it."""
        ...


class Reminders(Protocol):
    """What desks are reminded of."""

    async def due(self, target: Target, before: datetime, most: int, *, urgent: bool) -> list[str]:
        """Cases that wait for it since before that moment, and of which nobody was reminded; the oldest first."""
        ...

    async def was_given(self, update_id: str) -> bool:
        """Whether that reminder stands in its case."""
        ...

    async def begin_day(self, day: date, at: datetime) -> bool:
        """Whether this is the one who sums up that day."""
        ...

    async def overdue(self) -> Mapping[str, Sequence[str]]:
        """Cases per desk that are older than they should be, the oldest first."""
        ...

    def sum_up(self, desk_id: str, day: date, report_ids: Sequence[str], more: int) -> None:
        """Let a desk's summary leave with the commit."""
        ...


class City(Protocol):
    """One transaction with everything a use case may ask for."""

    @property
    def tenant(self) -> str:
        """The municipality."""
        ...

    @property
    def reports(self) -> Reports:
        """Reports."""
        ...

    @property
    def photos(self) -> Photos:
        """Photos."""
        ...

    @property
    def photo_objects(self) -> PhotoObjects:
        """The objects of photos."""
        ...

    @property
    def accesses(self) -> Accesses:
        """The access log."""
        ...

    @property
    def reminders(self) -> Reminders:
        """What desks are reminded of."""
        ...

    @property
    def catalogues(self) -> Catalogues:
        """Catalogues."""
        ...

    def hop(self, name: str, **codes: str) -> None:
        """Leave a durable mark on the trace."""
        ...

    def hop_of(self, trace_id: str, name: str, codes: Mapping[str, str]) -> None:
        """The same on another trace."""
        ...


class CurrentCatalogues(Protocol):
    """Catalogues in memory, as last read."""

    async def refresh(self, tenant: str) -> Catalogue:
        """The tenant's newest catalogue; Unavailable while it has none."""
        ...

    def current(self, tenant: str) -> Catalogue:
        """The tenant's newest catalogue, as last refreshed."""
        ...

    def at(self, reference: str) -> Catalogue:
        """The catalogue a dialogue began with ("tenant/version"), or a newer one."""
        ...


class Colleagues(Protocol):
    """Who works for the city, in memory, as identity's registry last said."""

    async def refresh(self, tenant: str) -> None:
        """Read the registry anew when that is due; Unavailable only while it was never read."""
        ...

    def name(self, tenant: str, staff_id: str) -> str:
        """A person's display name, as last refreshed; empty when nobody has that id."""
        ...

    def at_desk(self, tenant: str, desk_id: str) -> Sequence[Officer]:
        """Those who may work the desk's cases, as last refreshed."""
        ...


class WardMap(Protocol):
    """Which ward a point lies in."""

    async def ward_at(self, reference: str, latitude: float, longitude: float) -> str:
        """The ward's code; empty when the point lies in none."""
        ...


class Consents(Protocol):
    """The ledger of decisions about case updates."""

    async def check(self, tenant: str, citizen_id: str) -> Decision:
        """The decision in force about the present notice."""
        ...

    async def receives(self, tenant: str, citizen_id: str) -> Decision:
        """Whether a message would reach the person now."""
        ...

    async def decide(self, chooser: Chooser, decision: Decision) -> None:
        """Record a decision; the same event again changes nothing. Unavailable while the notice is being changed."""
        ...


class PhotoWorker(Protocol):
    """Decodes and re-encodes photos where a bomb can do no harm."""

    def place(self) -> AbstractAsyncContextManager[None]:
        """A place in memory for one photo, to be had before it is read; Unavailable when none comes free soon."""
        ...

    async def cleaned(self, photo: bytes) -> CleanPhoto | PhotoVerdict:
        """The photo made anew, or why not."""
        ...


class PhotoStore(Protocol):
    """Objects by name, wherever they lie. Unavailable when it does not answer."""

    def check(self) -> None:
        """Unavailable while it failed a moment ago: work for it would be in vain."""
        ...

    async def put(self, name: str, content: bytes) -> None:
        """Write an object, whole or not at all."""
        ...

    async def get(self, name: str) -> bytes:
        """An object; Missing when there is none."""
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Let objects be gone, whether or not they were there."""
        ...


class PhotoLinks(Protocol):
    """Links that open a photo for a short while."""

    def link(self, claim: PhotoClaim) -> str:
        """The address; empty when the world cannot reach this pod."""
        ...

    def claim(self, token: str, now: datetime) -> PhotoClaim | None:
        """What the last part of such an address says; None when we did not make it or its time is over."""
        ...
