"""What a municipality's city.yaml may say: what identity refuses is refused here, with its place."""

import re
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from machi_sdk.language import known
from machi_sdk.yaml_text import read_yaml
from machi_tools.errors import StackError

CURE = "write it like the demo city's, deploy/helm/machi/demo/"
ALL = "*"


def _said(names: dict[str, str]) -> dict[str, str]:
    empty = next((language for language, name in names.items() if not name.strip()), None)
    if empty is not None or not names:
        raise ValueError(f"is empty in {empty}" if empty else "has no language")
    return names


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is no time zone, such as Asia/Tokyo")
    return name


def _language(tag: str) -> str:
    if tag and tag not in known():
        raise ValueError(f"{tag} is none of {', '.join(known())}")
    return tag


def _desk_id(name: str) -> str:
    if not re.fullmatch("[a-z0-9][a-z0-9-]{0,79}", name):
        raise ValueError("is not of lower case letters, digits, and hyphens, at most 80")
    return name


def _slack_id(name: str) -> str:
    if "/" in name:
        raise ValueError("is an id without a slash, such as U0123456789")
    return name


Word: TypeAlias = Annotated[str, Field(min_length=1)]
LanguageTag: TypeAlias = Annotated[Word, AfterValidator(_language)]
Role: TypeAlias = Literal["officer", "lead", "approver", "operator", "auditor"]
Names: TypeAlias = Annotated[dict[str, str], AfterValidator(_said)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class TenantEntry(_Part):
    """The municipality itself."""

    tenant_id: Word
    names: Names
    default_language: LanguageTag
    time_zone: Annotated[str, AfterValidator(_zone)]
    languages: tuple[LanguageTag, ...] = ()

    @model_validator(mode="after")
    def _speaks_what_it_offers(self) -> "TenantEntry":
        _once("the language", self.languages)
        if self.languages and self.default_language not in self.languages:
            raise ValueError(f"the default_language {self.default_language} is not among the languages")
        return self


class DeskEntry(_Part):
    """A desk; its language is the municipality's where it names none."""

    desk_id: Annotated[str, AfterValidator(_desk_id)]
    titles: Names
    phone: Word
    language: Annotated[str, AfterValidator(_language)] = ""


class PersonEntry(_Part):
    """Somebody who works for the municipality; the desk "*" stands for all."""

    staff_id: Word
    slack_user: Annotated[Word, AfterValidator(_slack_id)]
    name: Word
    roles: tuple[Role, ...]
    desks: tuple[str, ...]


class CityFile(_Part):
    """The whole file."""

    tenant: TenantEntry
    desks: tuple[DeskEntry, ...]
    staff: tuple[PersonEntry, ...]
    slack_team: Annotated[str, AfterValidator(_slack_id)] = ""

    @field_validator("desks")
    @classmethod
    def _desks_once(cls, desks: tuple[DeskEntry, ...]) -> tuple[DeskEntry, ...]:
        _once("the desk", [desk.desk_id for desk in desks])
        return desks

    @field_validator("staff")
    @classmethod
    def _people_once(cls, staff: tuple[PersonEntry, ...]) -> tuple[PersonEntry, ...]:
        _once("the staff_id", [person.staff_id for person in staff])
        _once("the slack_user", [person.slack_user for person in staff])
        return staff

    @model_validator(mode="after")
    def _at_desks_that_are(self) -> "CityFile":
        known = {ALL, *(desk.desk_id for desk in self.desks)}
        for person in self.staff:
            if strange := set(person.desks) - known:
                raise ValueError(f"staff {person.staff_id} works at {min(strange)!r}, which is no desk here")
        return self


def read_city_file(path: Path) -> CityFile:
    """Read and check one; StackError with the place that is wrong."""
    found = read_plain(path)
    try:
        return CityFile.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        words = first["msg"].removeprefix("Value error, ")
        raise StackError(f"{path}: {f'{place}: ' if place else ''}{words}", CURE) from error


def read_plain(path: Path) -> object:
    """A YAML or JSON file as plain data; StackError with the line that is none."""
    try:
        return read_yaml(path)
    except OSError as error:
        raise StackError(f"{path}: {error.strerror}", "name a folder that has a city.yaml") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        why = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise StackError(f"{path}: {where}{why}", CURE) from error


def _once(what: str, names: Sequence[Hashable]) -> None:
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise ValueError(f"{what} {twice} is there twice")
