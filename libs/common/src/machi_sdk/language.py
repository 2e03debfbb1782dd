"""How a language is written, and which one stands in where a text lacks it: one data file per language."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field

from machi_sdk.yaml_text import read_yaml

FOLDER = Path(__file__).parent / "languages"
_Seven = Annotated[tuple[str, ...], Field(min_length=7, max_length=7)]
_Ten = Annotated[tuple[str, ...], Field(min_length=10, max_length=10)]
_Twelve = Annotated[tuple[str, ...], Field(min_length=12, max_length=12)]


class Language(BaseModel):
    """One file of languages/; `tag` (BCP 47) is the file's name, `other_tags` mean the same in what browsers ask for.

    Places of dates: year, month, month_name, day, weekday. Of times: hour, minute, and where people count to twelve
    half, hour12, and minutes (the word after the number, by its last digit).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str
    name: str
    spellings: tuple[str, ...] = Field(min_length=1)
    other_tags: tuple[str, ...] = ()
    falls_back_to: str = ""
    weekdays: _Seven
    months: _Twelve = ("",) * 12
    date: str
    date_with_year: str
    time: str
    time_on_the_hour: str = ""
    halves: tuple[str, str] = ("", "")
    minutes: _Ten = ("",) * 10
    moment: str
    telephone: Literal["national", "international"]
    item: str
    joint: str
    glyphs: Literal["JP", "KR", "SC", "TC", "HK"] = "JP"

    def day(self, day: dt.date, today: dt.date) -> str:
        """A date, with its year when that is another than today's."""
        pattern = self.date if day.year == today.year else self.date_with_year
        return pattern.format(
            year=day.year,
            month=day.month,
            month_name=self.months[day.month - 1],
            day=day.day,
            weekday=self.weekdays[day.weekday()],
        )

    def clock(self, at: dt.datetime) -> str:
        """The time of day of a moment as local clocks show it."""
        pattern = self.time if at.minute or not self.time_on_the_hour else self.time_on_the_hour
        return pattern.format(
            hour=at.hour,
            minute=at.minute,
            half=self.halves[at.hour // 12],
            hour12=at.hour % 12,
            minutes=self.minutes[at.minute % 10],
        )

    def day_and_clock(self, at: dt.datetime, now: dt.datetime) -> str:
        """Date and time of day; both moments as local clocks show them."""
        return self.moment.format(date=self.day(at.date(), now.date()), time=self.clock(at))

    def phone(self, number: str, calling_code: str) -> str:
        """A number as people dial it: with the country's code where the language's readers expect that.

        A number without a leading 0 (119, or one that has a code) stays as it is.
        """
        if self.telephone == "national" or not calling_code or not number.startswith("0"):
            return number
        return f"+{calling_code} {number.removeprefix('0')}"

    def listed(self, lines: Iterable[str]) -> str:
        """One line each."""
        return "\n".join(self.item.format(words=line) for line in lines)


def dialled(number: str, calling_code: str) -> str:
    """The address that dials a number from any country (RFC 3966); one without a leading 0, such as 119, stays."""
    if not calling_code or not number.startswith("0"):
        return f"tel:{number}"
    return f"tel:+{calling_code}-{number.removeprefix('0')}"


@cache
def known() -> Mapping[str, Language]:
    """Every language that has a file, by tag, the default first; ValueError names a file that is wrong."""
    found = [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return MappingProxyType({one.tag: one for one in sorted(found, key=lambda one: bool(one.falls_back_to))})


def meant(tag: str) -> str:
    """The known language that a tag means, by its own, its other, or its shorter name; empty when it means none."""
    parts = tag.lower().split("-")
    shorter = ("-".join(parts[:many]) for many in range(len(parts), 0, -1))
    return next((_by_any_tag()[each] for each in shorter if each in _by_any_tag()), "")


@cache
def _by_any_tag() -> Mapping[str, str]:
    return {tag.lower(): one.tag for one in known().values() for tag in (*one.other_tags, one.tag)}


@cache
def widest() -> str:
    """The language, other than the default one, that stands in for most others."""
    standing_in = Counter(tag for one in known().values() for tag in chain(one.tag)[1:-1])
    return next((tag for tag, _ in standing_in.most_common(1)), default_language())


@cache
def default_language() -> str:
    """The language that texts are written in first: the one that falls back to none."""
    roots = [tag for tag, one in known().items() if not one.falls_back_to]
    if len(roots) != 1:
        raise ValueError(f"exactly one language falls back to none, not {roots}")
    return roots[0]


@lru_cache(maxsize=256)
def chain(tag: str) -> tuple[str, ...]:
    """The tags to look for a text under, best first; ends with the default, whatever the tag."""
    found: list[str] = [tag]
    while found[-1] != default_language():
        following = _after(found[-1])
        found.append(default_language() if following in found else following)
    return tuple(found)


def language(tag: str) -> Language:
    """How to write for somebody who reads `tag`: that language, else the nearest that is known."""
    return known()[next(each for each in chain(tag) if each in known())]


def _after(tag: str) -> str:
    """What stands in: as its file says; without a file, the tag less its last part; the default in the end."""
    if tag in known():
        return known()[tag].falls_back_to
    return tag.rpartition("-")[0] or default_language()


def _read(path: Path) -> Language:
    try:
        return Language(tag=path.stem, **cast("Mapping[str, Any]", read_yaml(path.read_text(encoding="utf-8"))))
    except (TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path.name}: {error}") from error
