"""The days on which city hall is closed, as dates: public holidays, days of each year, and single ones."""

from collections.abc import Iterable, Sequence
from datetime import date

from machi_sdk.errors import Invalid

# A law may change sooner; what changed it reaches a city with the next catalogue it puts.
_YEARS = 10


def closed_dates(own: Sequence[str], public_holidays: str, year: int) -> list[str]:
    """Dates (YYYY-MM-DD) from the year before to ten years on; `own` are dates or days of each year (MM-DD),
    `public_holidays` is a country of ISO 3166-1 or a part of one of ISO 3166-2.

    Invalid names what is no day, and where no holidays are known.
    """
    years = range(year - 1, year + _YEARS)
    found = {day for index, written in enumerate(own) for day in _dates(written, years, index)}
    if public_holidays:
        found |= _holidays(public_holidays, years)
    return [day.isoformat() for day in sorted(found)]


def _dates(written: str, years: Iterable[int], index: int) -> list[date]:
    each_year = len(written) == len("MM-DD")
    dates = [day for year in years if (day := _date(f"{year}-{written}" if each_year else written))]
    if not dates:
        raise Invalid("catalogue-invalid", f"closed_days.{index}: {written} is no day")
    return dates


def _date(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:  # the 29th of February in most years
        return None


def _holidays(area: str, years: Iterable[int]) -> set[date]:
    import holidays  # noqa: PLC0415 (loads every country, and is needed once in a while)

    country, _, part = area.partition("-")
    try:
        return set(holidays.country_holidays(country, part or None, years=years))
    except NotImplementedError as error:
        raise Invalid("catalogue-invalid", f"public_holidays: none are known of {area}") from error
