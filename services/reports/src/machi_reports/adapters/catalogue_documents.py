"""The catalogue as municipalities write it: checked against its schema, then against itself."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from machi_reports.adapters.closed_days import closed_dates
from machi_reports.domain.catalogue import (
    AnswerOption,
    Catalogue,
    Category,
    CategoryQuestion,
    DeskEntry,
    Route,
    UrgentOffice,
    Ward,
)
from machi_reports.domain.reminding import Reminding
from machi_sdk.clock import Clock
from machi_sdk.errors import Invalid

SCHEMA = Path(__file__).parents[1] / "catalogue.schema.json"
_Document = Mapping[str, Any]  # checked by the schema before anything is read from it


def checked_document(text: str, year: int) -> dict[str, object]:
    """The document, its closed days as dates for the years around `year`; Invalid names the first wrong place."""
    import jsonschema  # noqa: PLC0415 (heavy, and needed once in a while)

    try:
        document = json.loads(text)
    except ValueError as error:
        raise Invalid("catalogue-invalid", f"the file: {error}") from error
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    wrong = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if wrong is not None:
        place = ".".join(str(part) for part in wrong.absolute_path) or "the file"
        raise Invalid("catalogue-invalid", f"{place}: {wrong.message[:200]}")
    for place, problem in _contradictions(document):
        raise Invalid("catalogue-invalid", f"{place}: {problem}")
    closed = closed_dates(document.get("closed_days", ()), document.get("public_holidays", ""), year)
    return {**document, "closed_days": closed}


@dataclass(frozen=True)
class CheckedDocuments:
    """`ports.CatalogueDocuments`."""

    clock: Clock

    async def check(self, text: str) -> Mapping[str, object]:
        """See the port."""
        return await asyncio.to_thread(checked_document, text, self.clock.now().year)

    def read(self, document: Mapping[str, object], version: int) -> Catalogue:
        """See the port."""
        return read_document(document, version)


def read_document(document: _Document, version: int) -> Catalogue:
    """A checked document as the domain has it."""
    return Catalogue(
        version=version,
        case_prefix=document["case_prefix"],
        city_names=document["city_names"],
        time_zone=document["time_zone"],
        categories=tuple(_category(entry) for entry in document["categories"]),
        desks=tuple(DeskEntry(entry["desk_id"], entry["titles"]) for entry in document["desks"]),
        routes=tuple(
            Route(entry["desk"], entry.get("category", ""), entry.get("ward", ""))
            for entry in document.get("routes", ())
        ),
        default_desk_id=document["default_desk"],
        wards=tuple(Ward(code, names) for code, names in document["ward_names"].items()),
        calling_code=document.get("calling_code", ""),
        city_marks=tuple(document.get("city_marks", ())),
        photo_days=document.get("photo_days_after_closing", Catalogue.photo_days),
        reports_a_day=document.get("reports_a_day", Catalogue.reports_a_day),
        reminding=_reminding(document),
    )


def ward_geometries(document: _Document) -> dict[str, Mapping[str, object]]:
    """GeoJSON geometry per ward code."""
    name = document["ward_code_property"]
    return {str(feature["properties"].get(name, "")): feature["geometry"] for feature in document["wards"]["features"]}


def _reminding(document: _Document) -> Reminding:
    usual, hours = Reminding(), document.get("remind_after", {})
    return Reminding(
        normal=replace(usual.normal, **hours.get("normal", {})),
        urgent=replace(usual.urgent, **hours.get("urgent", {})),
        working_days=frozenset(document.get("working_days", usual.working_days)),
        closed_days=frozenset(map(date.fromisoformat, document.get("closed_days", ()))),
        summary_at=time.fromisoformat(document.get("summary_at", usual.summary_at.isoformat())),
    )


def _category(entry: _Document) -> Category:
    urgent = entry.get("urgent")
    return Category(
        code=entry["code"],
        labels=entry["labels"],
        questions=tuple(_question(question) for question in entry.get("questions", ())),
        urgent=UrgentOffice(urgent["titles"], urgent["phone"], urgent["advice"]) if urgent else None,
        always_urgent=entry.get("always_urgent", False),
        words=entry.get("words", {}),
        not_words=entry.get("not_words", {}),
    )


def _question(entry: _Document) -> CategoryQuestion:
    return CategoryQuestion(entry["key"], entry["prompts"], tuple(_option(option) for option in entry["options"]))


def _option(entry: _Document) -> AnswerOption:
    return AnswerOption(
        option_id=entry["id"],
        labels=entry["labels"],
        urgent=entry.get("urgent", False),
        words=entry.get("words", {}),
        not_words=entry.get("not_words", {}),
    )


def _contradictions(document: _Document) -> Iterable[tuple[str, str]]:
    desks = {entry["desk_id"] for entry in document["desks"]}
    if document["default_desk"] not in desks:
        yield "default_desk", f"no desk {document['default_desk']!r}"
    if document["time_zone"] not in available_timezones():
        yield "time_zone", f"{document['time_zone']!r} is no IANA time zone"
    yield from _repeated("desks", document["desks"], "desk_id")
    yield from _wrong_routes(document, desks)
    yield from _wrong_categories(document)
    yield from _wrong_wards(document)


def _wrong_routes(document: _Document, desks: set[str]) -> Iterable[tuple[str, str]]:
    categories = {entry["code"] for entry in document["categories"]}
    for index, route in enumerate(document.get("routes", ())):
        known = (("desk", desks), ("category", categories), ("ward", document["ward_names"]))
        for field, values in known:
            if field in route and route[field] not in values:
                yield f"routes.{index}.{field}", f"no {field} {route[field]!r}"


def _repeated(place: str, entries: Sequence[_Document], key: str) -> Iterable[tuple[str, str]]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry[key] in seen:
            yield f"{place}.{index}.{key}", f"{entry[key]!r} stands here twice"
        seen.add(entry[key])


def _wrong_categories(document: _Document) -> Iterable[tuple[str, str]]:
    yield from _repeated("categories", document["categories"], "code")
    for index, entry in enumerate(document["categories"]):
        place, questions = f"categories.{index}", entry.get("questions", ())
        yield from _repeated(f"{place}.questions", questions, "key")
        for number, question in enumerate(questions):
            yield from _repeated(f"{place}.questions.{number}.options", question["options"], "id")
        options = [option for question in questions for option in question["options"]]
        if "urgent" not in entry and (entry.get("always_urgent") or any(option.get("urgent") for option in options)):
            yield f"{place}.urgent", "urgent reports need an office to phone"


def _wrong_wards(document: _Document) -> Iterable[tuple[str, str]]:
    import shapely  # noqa: PLC0415 (heavy, and needed once in a while)

    name = document["ward_code_property"]
    codes = [{name: str(feature["properties"].get(name, ""))} for feature in document["wards"]["features"]]
    yield from _repeated("wards.features", codes, name)
    shapes = ward_geometries(document)
    for code in sorted(set(document["ward_names"]) ^ set(shapes)):
        yield f"ward_names.{code}", "every ward needs a shape and names, under the same code"
    for code, geometry in shapes.items():
        try:
            shape = shapely.from_geojson(json.dumps(geometry))
        except shapely.errors.GEOSException:
            shape = shapely.Polygon()
        if shape.is_empty or not shape.is_valid:
            yield f"wards.{code}", "this is no valid shape"
