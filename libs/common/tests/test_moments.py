"""Numbers, dates, and times of day in people's own ways; what could be meant otherwise is asked for again."""

import calendar
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.clock import stamp
from machi_sdk.dialogue.parsing import Unreadable, answer_of
from machi_sdk.dialogue.questions import DateQ, Kind, NumberQ, TimeQ

TODAY = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
NOBODY: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
NUMBER, DATE, TIME = NumberQ(-10, 1_000_000), DateQ(), TimeQ()
LIMITS = DateQ("2026-04-01", "2027-03-31")


def read(kind: Kind, words: str) -> object:
    """What somebody's words of today are to a question; None when it asks again."""
    try:
        return answer_of(kind, wire.TurnRequest(text=wire.TextInput(text=words), occurred_at=stamp(TODAY)), NOBODY)
    except Unreadable:
        return None


@pytest.mark.parametrize(
    ("words", "number"),
    [("42", 42), (" ４２ ", 42), ("1,000", 1000), ("１，０００", 1000), ("999,999", 999_999), ("-5", -5), ("007", 7)],
)
def test_a_number_is_its_digits(words: str, number: int) -> None:
    assert read(NUMBER, words) == number


@pytest.mark.parametrize("words", ["1_000", "1,00", ",5", ".5", "1.5", "+5", "1 000", "0x10", "1e3", "4 or 5", "³ ²"])
def test_what_is_more_than_digits_is_no_number(words: str) -> None:
    assert read(NUMBER, words) is None


@pytest.mark.parametrize(
    ("words", "time"),
    [
        *((words, "09:30") for words in ("9:30", "09:30", "９：３０", "9.30", "9:30.", "9時30分", "9時30", "9時半")),
        *((words, "09:30") for words in ("午前9時半", "朝9時30分", "9じ30ぷん", "9시 30분", "오전 9시 반", "9點30分")),
        *((words, "09:30") for words in ("9点半", "上午9:30", "9:30 AM", "9.30 a.m.", "9h30")),
        *((words, "15:00") for words in ("午後3時", "ごご3じ", "오후 3시", "下午3點", "下午3点钟", "3pm", "3 p.m.")),
        *((words, "15:00") for words in ("15時", "午後15時", "午後3:00", "3 in the afternoon", "15:00")),
        *((words, "12:00") for words in ("午後0時", "午後12時", "12 pm", "12時")),
        *((words, "00:00") for words in ("12 am", "0時", "午前0時", "00:00")),
    ],
)
def test_a_time_of_day_is_read_in_every_language(words: str, time: str) -> None:
    assert read(TIME, words) == time


@pytest.mark.parametrize(
    "words",
    [
        *("9", "930", "0930", "9:3", "9.5", "9:30:15", "9:30+09:00", "9時間", "9:60", "24:00", "25時", "午後", "半"),
        *("午前12時", "午前13時", "am 9 pm", "9時から10時", "午後の早いうち", "-9:30", "9:30 2026"),
    ],
)
def test_what_may_be_another_time_is_asked_for_again(words: str) -> None:
    assert read(TIME, words) is None


@pytest.mark.parametrize(
    "words",
    [
        *("2026/12/1", "2026-12-01", "2026.12.1", "２０２６／１２／１", "2026年12月1日", "2026年12月1日（火）"),
        *("2026ねん12がつ1にち", "2026년 12월 1일", "2026年12月1號", "2026年12月1号"),
        *("令和8年12月1日", "R8.12.1", "r8/12/1", "Ｒ８年１２月１日", "れいわ8ねん12がつ1にち", "㋿8年12月1日"),
        *("12月1日", "12月1日(火)", "12がつ1にち", "12월 1일", "12月1號", "12 月 1 号"),
    ],
)
def test_a_date_is_read_in_every_language(words: str) -> None:
    assert read(DATE, words) == "2026-12-01"


@pytest.mark.parametrize(
    "words",
    [
        *("8年12月1日", "26/12/1", "0008-12-1", "2026/13/1", "4月31日", "2026/2/29", "12/1", "1.12", "12月", "1日"),
        *("昭和8年12月1日", "H8.12.1", "2026/12/1 or 2", "12月1日か2日", "2026/12", "20261201", "0000/1/1"),
    ],
)
def test_what_may_be_another_day_is_asked_for_again(words: str) -> None:
    assert read(DateQ("1000-01-01"), words) is None


@pytest.mark.parametrize(
    ("kind", "words", "day"),
    [
        (DATE, "11月30日", "2026-11-30"),
        (DATE, "11月29日", "2027-11-29"),
        (DATE, "2月29日", "2028-02-29"),
        (LIMITS, "3月31日", "2027-03-31"),
        (LIMITS, "4月1日", "2026-04-01"),
        (DateQ("2027-01-01"), "12月1日", "2027-12-01"),
        (DateQ("", "2026-12-31"), "12月1日", "2026-12-01"),
        (DateQ("", "2026-11-30"), "11月29日", None),
        (DateQ("1926-01-01", "2026-11-30"), "11月29日", None),
        (DateQ("2026-04-01", "2026-11-30"), "12月1日", None),
    ],
)
def test_a_day_without_a_year_is_the_next_that_fits_the_limits(kind: DateQ, words: str, day: str | None) -> None:
    assert read(kind, words) == day


def test_a_day_without_a_year_needs_something_to_start_from() -> None:
    undated = wire.TurnRequest(text=wire.TextInput(text="12月1日"))
    assert answer_of(DateQ("2026-11-30"), undated, NOBODY) == "2026-12-01"
    with pytest.raises(Unreadable) as again:
        answer_of(DATE, undated, NOBODY)
    assert again.value.key == "again.date"


def test_a_picked_moment_is_taken_as_it_is() -> None:
    assert answer_of(DATE, wire.TurnRequest(moment=wire.Moment(date="2026-12-01")), NOBODY) == "2026-12-01"
    assert answer_of(TIME, wire.TurnRequest(moment=wire.Moment(time="09:30")), NOBODY) == "09:30"


@given(st.dates(date(2019, 5, 1), date(2099, 12, 31)), st.sampled_from(["{}/{}/{}", "{}年{}月{}日", "{}.{}.{}"]))
def test_a_year_of_reiwa_is_the_same_day(day: date, form: str) -> None:
    parts = day.month, day.day
    assert read(DATE, form.format(day.year, *parts)) == day.isoformat()
    assert read(DATE, "令和" + form.format(day.year - 2018, *parts)) == day.isoformat()


@given(st.integers(1, 12), st.integers(1, 31))
def test_the_next_such_day_is_less_than_a_year_away(month: int, day: int) -> None:
    exists = day <= calendar.monthrange(2028, month)[1]
    found = read(DATE, f"{month}月{day}日")
    assert (found is not None) == exists
    if (month, day) != (2, 29):
        assert found is None or TODAY.date().isoformat() <= str(found) < "2027-11-30"
