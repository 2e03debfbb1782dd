"""Numbers, dates, and times of day: what people write for them, and nothing that only looks like one."""

import re
import unicodedata
from datetime import date, time

from machi_sdk.dialogue.controls import TEXTS
from machi_sdk.names import fold

_REIWA_BEFORE = 2018
_LEAP_YEARS = 9  # years in a row of which one has a 29 February, whatever the century


def _any_of(key: str) -> str:
    """The words of every language for one thing, as a part of a pattern; the longest are tried first."""
    words = {fold(word) for said in TEXTS.words(key).values() for word in said.split("|")}
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


def _half_of_day(name: str) -> str:
    return rf"(?P<{name}>{_any_of('moment.am')}|{_any_of('moment.pm')})\.?"


def _month_and_day(between: str) -> str:
    """The day of the week may follow, in brackets."""
    month, day = _any_of("moment.month"), _any_of("moment.day")
    numbers = rf"(?P<month>[0-9]{{1,2}})\s*(?:{between}|{month})\s*(?P<day>[0-9]{{1,2}})(?:\s*{day})?"
    return numbers + r"(?:\s*\([^\W\d]{1,9}\)?)?"


_NUMBER = re.compile(r"-?(?:[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})")
_PM = re.compile(_any_of("moment.pm"))
_MINUTES = rf"(?:\s*{_any_of('moment.minute')})?"
_CLOCK = rf"\s*[:.]\s*(?P<past>[0-9]{{2}}){_MINUTES}"
_SPOKEN_MINUTES = rf"(?:(?P<minute>[0-9]{{1,2}}){_MINUTES}|(?P<half>{_any_of('moment.half')}))"
_SPOKEN = rf"\s*(?P<spoken>{_any_of('moment.hour')})(?:\s*{_SPOKEN_MINUTES})?"
_HOUR = rf"(?P<hour>[0-9]{{1,2}})(?:{_CLOCK}|{_SPOKEN})?"
_TIME = re.compile(rf"(?:{_half_of_day('before')}\s*)?{_HOUR}(?:\s*{_half_of_day('behind')})?")
_REIWA = rf"{_any_of('moment.reiwa')}\s*(?P<reiwa>[0-9]{{1,2}}|{_any_of('moment.first')})"
_YEAR = rf"(?:(?P<year>[0-9]{{4}})|{_REIWA})\s*(?:[/.-]|{_any_of('moment.year')})\s*"
_DATE = re.compile(_YEAR + _month_and_day("[/.-]"))
# Without a year, 1/12 is one day to some and another one to others: it needs the word.
_DAY_OF_YEAR = re.compile(_month_and_day("(?!)"))


def number_of(text: str) -> int:
    """A whole number in digits of any width, with commas between thousands or none; ValueError otherwise."""
    return int(_fitting(_NUMBER, unicodedata.normalize("NFKC", text).strip())[0].replace(",", ""))


def time_of(text: str) -> str:
    """HH:MM of 9:30, 9.30, or hours and minutes in words, in a half of the day or of 24 hours; ValueError otherwise."""
    found = _fitting(_TIME, fold(text))
    half_of_day = _only(found["before"], found["behind"])
    if not (half_of_day or found["past"] or found["spoken"]):
        raise ValueError("a number alone is no time")
    minute = 30 if found["half"] else int(found["past"] or found["minute"] or 0)
    return time(_hour_of_day(int(found["hour"]), half_of_day, found), minute).isoformat("minutes")


def day_of(text: str, earliest: str, latest: str, today: date | None) -> str:
    """YYYY-MM-DD of a date with four digits of a year, with a year of Reiwa, or with none; ValueError otherwise.

    Without a year it is the next such day that the limits allow, or else the only one; limits may be empty.
    """
    folded = fold(text)
    if found := _DATE.fullmatch(folded):
        day = date(_year_of(found), int(found["month"]), int(found["day"]))
    else:
        found = _fitting(_DAY_OF_YEAR, folded)
        limits = _day(earliest), _day(latest)
        day = _nearest(int(found["month"]), int(found["day"]), limits, today)
    return day.isoformat()


def _fitting(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError("no such form")
    return found


def _only(before: str | None, behind: str | None) -> str:
    if before and behind:
        raise ValueError("a half of the day is said once")
    return before or behind or ""


def _hour_of_day(hour: int, half_of_day: str, found: re.Match[str]) -> int:
    if not half_of_day:
        return hour
    if _PM.fullmatch(half_of_day):
        return hour if hour >= 12 else hour + 12
    if hour > 12 or (hour == 12 and found["before"]):
        raise ValueError("12 behind the word for the morning is noon to some and midnight to others")
    return hour % 12


def _year_of(found: re.Match[str]) -> int:
    if found["year"]:
        return int(found["year"])
    return _REIWA_BEFORE + (int(found["reiwa"]) if found["reiwa"].isdecimal() else 1)


def _day(limit: str) -> date | None:
    return date.fromisoformat(limit) if limit else None


def _nearest(month: int, day: int, limits: tuple[date | None, date | None], today: date | None) -> date:
    earliest, latest = limits
    start = max(filter(None, (earliest, today)), default=None)
    if start is None:
        raise ValueError("nobody knows from when on")
    ahead = [each for each in _in_years(month, day, range(start.year, start.year + _LEAP_YEARS)) if each >= start]
    if ahead and (latest is None or ahead[0] <= latest):
        return ahead[0]
    if earliest is None or latest is None:
        raise ValueError("not within the limits")
    (only,) = (
        each for each in _in_years(month, day, range(earliest.year, latest.year + 1)) if earliest <= each <= latest
    )
    return only


def _in_years(month: int, day: int, years: range) -> list[date]:
    is_leap_day = (month, day) == (2, 29)
    return [date(year, month, day) for year in years if not is_leap_day or _has_leap_day(year)]


def _has_leap_day(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
