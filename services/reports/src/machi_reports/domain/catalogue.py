"""A city's catalogue: what can be reported, what is asked about it, and which desk gets it. All of it is data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Protocol, TypeVar

from machi_reports.domain.reminding import Reminding, Target
from machi_reports.domain.words import folded

Labels = Mapping[str, str]
Words = Mapping[str, Sequence[str]]
# Behind a ward in Latin letters: one name up to the next comma, perhaps with a postal code.
_CITY_BEHIND = re.compile(r"[\w-]*,\s*([^\W\d_]+)[\w-]*(?: city)?(?:\s+[\d-]{5,})?\s*(?:[,.]|$)")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
# The catalogue's own words, which each message is compared with; what people wrote is not kept.
_folded = lru_cache(maxsize=10_000)(folded)


class _Named(Protocol):
    """Something people may mean by their own words."""

    @property
    def all_words(self) -> tuple[str, ...]:
        """What people write when they mean it."""
        ...

    @property
    def all_not_words(self) -> tuple[str, ...]:
        """What holds such a word and means something else."""
        ...


N = TypeVar("N", bound=_Named)


def _all(words: Words) -> tuple[str, ...]:
    return tuple(word for each in words.values() for word in each)


def _meant(text: str, candidates: Sequence[N]) -> N | None:
    """The one candidate with a word in the text; the longest word decides between two."""
    typed = folded(text)
    found = [(_longest_of(each, typed), each) for each in candidates]
    longest = max((length for length, _ in found), default=0)
    meant = [each for length, each in found if length == longest > 0]
    return meant[0] if len(meant) == 1 else None


def _longest_of(named: _Named, typed: str) -> int:
    """Letters of its longest word that stands in the text; 0 where none does."""
    for other in map(_folded, named.all_not_words):
        typed = typed.replace(other, " ")
    return max((len(word) for word in map(_folded, named.all_words) if _stands_in(word, typed)), default=0)


def _stands_in(word: str, text: str) -> bool:
    """Whether the text has the word; one in Latin letters, where a word begins: "tree" is not in "street"."""
    begin = r"(?<![a-z0-9])" if word[:1].isascii() else ""
    return word in text and re.search(begin + re.escape(word), text) is not None


@dataclass(frozen=True)
class AnswerOption:
    """One answer to a question."""

    option_id: str
    labels: Labels
    urgent: bool = False
    words: Words = field(default_factory=dict)
    not_words: Words = field(default_factory=dict)

    @property
    def all_words(self) -> tuple[str, ...]:
        """What people write when they mean it, in any language."""
        return _all(self.words)

    @property
    def all_not_words(self) -> tuple[str, ...]:
        """What holds such a word and means something else, in any language."""
        return _all(self.not_words)


@dataclass(frozen=True)
class CategoryQuestion:
    """One question about reports of a category."""

    key: str
    prompts: Labels
    options: tuple[AnswerOption, ...]

    def meant(self, text: str) -> AnswerOption | None:
        """The option that free words mean; what is urgent is meant first."""
        urgent = [option for option in self.options if option.urgent]
        return _meant(text, urgent) or _meant(text, self.options)


@dataclass(frozen=True)
class UrgentOffice:
    """Whom to phone at once, and what to do until then."""

    titles: Labels
    phone: str
    advice: Labels


@dataclass(frozen=True)
class Category:
    """One kind of report."""

    code: str
    labels: Labels
    questions: tuple[CategoryQuestion, ...] = ()
    urgent: UrgentOffice | None = None
    always_urgent: bool = False
    words: Words = field(default_factory=dict)
    not_words: Words = field(default_factory=dict)

    @property
    def all_words(self) -> tuple[str, ...]:
        """What people write when they mean it, in any language."""
        return _all(self.words)

    @property
    def all_not_words(self) -> tuple[str, ...]:
        """What holds such a word and means something else, in any language."""
        return _all(self.not_words)

    def option(self, key: str, option_id: str) -> AnswerOption | None:
        """The option of one of its questions."""
        options = (o for q in self.questions if q.key == key for o in q.options)
        return next((option for option in options if option.option_id == option_id), None)

    def has_urgent_words(self, text: str) -> bool:
        """Whether a word of one of its urgent options stands in the text."""
        urgent = (option for question in self.questions for option in question.options if option.urgent)
        typed = folded(text)
        return any(_longest_of(option, typed) for option in urgent)

    def urgent_office(self, details: Mapping[str, str]) -> UrgentOffice | None:
        """Whom to phone, when these answers are urgent."""
        chosen = (self.option(key, option_id) for key, option_id in details.items())
        is_urgent = self.always_urgent or any(option is not None and option.urgent for option in chosen)
        return self.urgent if is_urgent else None


@dataclass(frozen=True)
class DeskEntry:
    """A desk as residents and other desks may see it."""

    desk_id: str
    titles: Labels


@dataclass(frozen=True)
class Route:
    """Which desk gets reports of a category in a ward; empty means any."""

    desk_id: str
    category_code: str = ""
    ward_code: str = ""


@dataclass(frozen=True)
class Ward:
    """A ward's code and the names people write, per language; the first one of a language is shown."""

    code: str
    names: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Catalogue:
    """One version of a city's catalogue.

    Photos are kept for `photo_days` after their case was closed; a person can file `reports_a_day` within 24 hours.
    """

    version: int
    case_prefix: str
    city_names: Mapping[str, Sequence[str]]
    time_zone: str
    categories: tuple[Category, ...]
    desks: tuple[DeskEntry, ...]
    routes: tuple[Route, ...]
    default_desk_id: str
    wards: tuple[Ward, ...]
    calling_code: str = ""
    city_marks: tuple[str, ...] = ()
    photo_days: int = 365
    reports_a_day: int = 100
    reminding: Reminding = field(default_factory=Reminding)

    def category(self, code: str) -> Category | None:
        """The category with that code."""
        return next((category for category in self.categories if category.code == code), None)

    def is_urgent(self, category_code: str, details: Mapping[str, str]) -> bool:
        """Whether a report of that kind, with those answers, is one to phone about."""
        category = self.category(category_code)
        return category is not None and category.urgent_office(details) is not None

    def urgent_office_in(self, text: str) -> UrgentOffice | None:
        """Whom to phone, where free words tell of a danger."""
        told = dict(self.answers_in(text))
        category = self.category(told.pop("category", ""))
        details = {key.removeprefix("detail-"): option_id for key, option_id in told.items()}
        return category.urgent_office(details) if category else None

    def due_before(self, target: Target, at: datetime, *, urgent: bool) -> datetime:
        """Cutoff: a case waiting since before it has missed its target."""
        return self.reminding.before(at, self.reminding.hours(target, urgent=urgent), self.time_zone)

    def desk(self, desk_id: str) -> DeskEntry | None:
        """The desk with that id."""
        return next((desk for desk in self.desks if desk.desk_id == desk_id), None)

    def ward(self, code: str) -> Ward | None:
        """The ward with that code."""
        return next((ward for ward in self.wards if ward.code == code), None)

    def route(self, category_code: str, ward_code: str) -> str:
        """The desk for a category and ward (empty: unknown): the most exact route, else the default desk."""
        for category, ward in ((category_code, ward_code), (category_code, ""), ("", ward_code)):
            found = self._desk_by_route.get((category, ward))
            if found and (category or ward):
                return found
        return self.default_desk_id

    def answers_in(self, text: str) -> Iterator[tuple[str, str]]:
        """What free words answer already: the category, and details of it, where they mean exactly one.

        What may be dangerous is meant first: the wire of a street light that is down is no matter of the light, nor is
        the sinkhole below one.
        """
        always = [category for category in self.categories if category.always_urgent]
        perhaps = [category for category in self.categories if category.has_urgent_words(text)]
        category = _meant(text, always) or _meant(text, perhaps) or _meant(text, self.categories)
        if category is None:
            return
        yield "category", category.code
        for question in category.questions:
            option = question.meant(text)
            if option is None:
                return
            yield f"detail-{question.key}", option.option_id

    def ward_named_in(self, text: str) -> str:
        """The ward whose name stands in the text; empty when none does, or when it is one of another city."""
        typed = folded(text)
        for name, code in self._ward_names:
            before, found, behind = typed.partition(name)
            elsewhere = self._another_city_follows if name[:1].isascii() else self._follows_another_city
            if found and not elsewhere(before, behind):
                return code
        return ""

    @cached_property
    def _desk_by_route(self) -> dict[tuple[str, str], str]:
        return {(route.category_code, route.ward_code): route.desk_id for route in self.routes}

    @cached_property
    def _ward_names(self) -> list[tuple[str, str]]:
        pairs = {(_folded(name), ward.code) for ward in self.wards for names in ward.names.values() for name in names}
        return sorted(pairs, key=lambda pair: (-len(pair[0]), pair))

    @cached_property
    def _own_names(self) -> tuple[str, ...]:
        return tuple(_folded(name) for names in self.city_names.values() for name in names)

    def _follows_another_city(self, before: str, _behind: str) -> bool:
        """Right behind it, or as the end of a longer name there: up to two letters stand between."""
        marks = "|".join(map(re.escape, self.city_marks))
        city = re.fullmatch(rf"(.*\w(?:{marks}))(?:\s*|\w{{1,2}})", before, re.DOTALL) if marks else None
        return city is not None and not city[1].endswith(self._own_names)

    def _another_city_follows(self, before: str, behind: str) -> bool:
        """As in Latin letters; the own city's name may stand on either side, its prefecture's alike."""
        city = _CITY_BEHIND.match(behind)
        own = {word[0] for word in map(_FIRST_WORD.match, self._own_names) if word}
        return city is not None and city[1] not in own and not any(word in before for word in own)
