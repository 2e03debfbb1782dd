"""Codes and moments as people read them, in one language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.report import Place, Report
from machi_reports.domain.states import State
from machi_sdk.language import dialled
from machi_sdk.language import language as written
from machi_sdk.texts import Texts, pick

TEXTS = Texts(Path(__file__).parents[1] / "texts")


@dataclass(frozen=True)
class Wording:
    """One language over one catalogue."""

    language: str
    catalogue: Catalogue

    def say(self, key: str, **places: str | int) -> str:
        """A text of this pod."""
        return TEXTS.say(self.language, key, **places)

    def pick(self, texts: Mapping[str, str]) -> str:
        """A text of the catalogue."""
        return pick(texts, self.language)

    def category(self, code: str) -> str:
        """A category's label."""
        found = self.catalogue.category(code)
        return self.pick(found.labels) if found else self.say("value.former-category")

    def details(self, category_code: str, details: Mapping[str, str]) -> str:
        """The answers to a category's questions; empty when it asks none."""
        category = self.catalogue.category(category_code)
        options = (category.option(key, option) for key, option in details.items()) if category else ()
        return self.joined(self.pick(option.labels) for option in options if option is not None)

    def joined(self, names: Iterable[str]) -> str:
        """Several names in one line."""
        return written(self.language).joint.join(filter(None, names))

    def brief(self, parts: Iterable[str]) -> str:
        """What a list says in one line."""
        return "  |  ".join(filter(None, parts))

    def ward(self, code: str) -> str:
        """A ward's name."""
        found = self.catalogue.ward(code)
        return self._first(found.names) if found else self.say("value.no-ward")

    def city(self) -> str:
        """The city's name."""
        return self._first(self.catalogue.city_names)

    def desk(self, desk_id: str) -> str:
        """A desk's title."""
        found = self.catalogue.desk(desk_id)
        return self.pick(found.titles) if found else self.say("desk.desk-unknown")

    def own_state(self, state: State) -> str:
        """Where a report stands, as its reporter reads it: who waits for whom is the other way round for a desk."""
        own = f"own-state.{state}"
        return self.say(own if TEXTS.has(own) else f"state.{state}")

    def place(self, place: Place) -> str:
        """A place in words."""
        if place.words:
            return place.words
        return self.say("value.pin") if place.point else self.say("value.nothing")

    def photos(self, count: int) -> str:
        """How many photos."""
        return self.say("value.with-photos", n=count) if count else self.say("value.without-photo")

    def photo(self, number: int, of: int) -> str:
        """One of a case's photos."""
        return self.say("desk.photo-number", n=number) if of > 1 else self.say("desk.photo")

    def phone(self, number: str) -> str:
        """A telephone number as people dial it."""
        return written(self.language).phone(number, self.catalogue.calling_code)

    def dialled(self, number: str) -> str:
        """The address that dials it."""
        return dialled(number, self.catalogue.calling_code)

    def moment(self, at: datetime, now: datetime) -> str:
        """Date and time of day, as the city's clocks show it."""
        return written(self.language).day_and_clock(self._local(at), self._local(now))

    def time_of_day(self, at: datetime, now: datetime) -> str:
        """The time of day, with the date when it is another day."""
        same_day = self._local(at).date() == self._local(now).date()
        return written(self.language).clock(self._local(at)) if same_day else self.moment(at, now)

    def age(self, at: datetime, now: datetime) -> str:
        """How long ago, in the largest whole unit."""
        minutes = max(0, int((now - at).total_seconds() // 60))
        if minutes == 0:
            return self.say("age.now")
        if minutes < 60:
            return self.say("age.minutes", n=f"{minutes}{written(self.language).minutes[minutes % 10]}")
        if minutes < 48 * 60:
            return self.say("age.hours", n=minutes // 60)
        return self.say("age.days", n=minutes // (24 * 60))

    def alike(self, report: Report, other: Report, now: datetime) -> str:
        """Another case in one line: its number, how far away or in which ward, how old; nothing typed."""
        filing = other.filing
        metres = report.filing.place.metres_to(filing.place)
        where = self.say("value.metres", n=round(metres, -1)) if metres is not None else self.ward(filing.ward_code)
        return " · ".join((filing.case_number, where, self.age(filing.filed_at, now)))

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.catalogue.time_zone))

    def _first(self, names: Mapping[str, Sequence[str]]) -> str:
        return pick({tag: found[0] for tag, found in names.items()}, self.language)
