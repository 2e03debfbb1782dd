"""Languages as data: what stands in for what, and how dates, times, and telephone numbers are written."""

from datetime import datetime

import pytest

from machi_sdk.language import FOLDER, Language, chain, default_language, dialled, known, language, meant

NOW = datetime.fromisoformat("2026-11-28T15:00+09:00")
EARLIER = datetime.fromisoformat("2026-11-28T14:05+09:00")
LAST_YEAR = datetime.fromisoformat("2025-03-01T00:00+09:00")


def written(tag: str) -> tuple[str, ...]:
    """How it writes a moment of this year and one of another, a number, and a list."""
    one = known()[tag]
    moments = one.day_and_clock(EARLIER, NOW), one.day_and_clock(LAST_YEAR, NOW)
    return (*moments, one.phone("092-000-0199", "81"), one.listed(["a", "b"]))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("ja", ("11月28日(土) 14:05", "2025年3月1日(土) 0:00", "092-000-0199", "・a\n・b")),
        (
            "ja-Hira",
            (
                "11がつ28にち どようび ごご2じ5ふん",
                "2025ねん3がつ1にち どようび ごぜん0じ",
                "092-000-0199",
                "・a\n・b",
            ),
        ),
        ("en", ("Sat 28 Nov, 14:05", "Sat 1 Mar 2025, 00:00", "+81 92-000-0199", "• a\n• b")),
        ("zh-Hant", ("11月28日（六）14:05", "2025年3月1日（六）00:00", "+81 92-000-0199", "・a\n・b")),
        ("ko", ("11월 28일(토) 14:05", "2025년 3월 1일(토) 00:00", "+81 92-000-0199", "• a\n• b")),
        ("zh-Hans", ("11月28日（周六）14:05", "2025年3月1日（周六）00:00", "+81 92-000-0199", "• a\n• b")),
    ],
)
def test_moments_numbers_and_lists(tag: str, expected: tuple[str, ...]) -> None:
    assert written(tag) == expected


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("00:00", "ごぜん0じ"),
        ("09:01", "ごぜん9じ1ぷん"),
        ("12:10", "ごご0じ10ぷん"),
        ("23:59", "ごご11じ59ふん"),
        ("15:24", "ごご3じ24ぷん"),
    ],
)
def test_plain_japanese_reads_as_it_is_said(time: str, words: str) -> None:
    assert known()["ja-Hira"].clock(datetime.fromisoformat(f"2026-11-28T{time}")) == words


@pytest.mark.parametrize(
    ("number", "code", "address"),
    [
        ("092-000-0199", "81", "tel:+81-92-000-0199"),
        ("092-000-0199", "", "tel:092-000-0199"),
        ("119", "81", "tel:119"),
    ],
)
def test_a_number_is_dialled_from_any_country(number: str, code: str, address: str) -> None:
    assert dialled(number, code) == address


@pytest.mark.parametrize("number", ["119", "+81 92-000-0199"])
def test_numbers_that_are_whole_stay(number: str) -> None:
    assert {one.phone(number, "81") for one in known().values()} == {number}
    assert known()["en"].phone("092-000-0199", "") == "092-000-0199"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("ja", ("ja",)),
        ("ja-Hira", ("ja-Hira", "ja")),
        ("zh-Hant", ("zh-Hant", "en", "ja")),
        ("zh-Hant-TW", ("zh-Hant-TW", "zh-Hant", "en", "ja")),
        ("ko", ("ko", "en", "ja")),
        ("zh-Hans", ("zh-Hans", "zh-Hant", "en", "ja")),
        ("tlh", ("tlh", "ja")),
        ("", ("", "ja")),
    ],
)
def test_what_stands_in(tag: str, expected: tuple[str, ...]) -> None:
    assert chain(tag) == expected
    assert language(tag).tag == next(each for each in expected if each in known())


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("ko-KR", "ko"),
        ("ja-hira", "ja-Hira"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-tw", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("zhx", ""),
        ("", ""),
    ],
)
def test_what_a_browser_asks_for(tag: str, expected: str) -> None:
    assert meant(tag) == expected


def test_no_two_languages_have_a_tag_in_common() -> None:
    tags = [tag.lower() for one in known().values() for tag in (one.tag, *one.other_tags)]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("one", known().values(), ids=known())
def test_every_language_falls_back_to_one_that_is_there_and_ends_at_the_default(one: Language) -> None:
    assert not one.falls_back_to or one.falls_back_to in known()
    assert chain(one.tag)[-1] == default_language()
    assert len(set(chain(one.tag))) == len(chain(one.tag))


def test_every_file_is_a_language() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(known())
    for one in known().values():  # no place is left open, whatever the day and hour
        for month in range(1, 13):
            shown = one.day_and_clock(LAST_YEAR.replace(month=month, hour=month, minute=month * 5 % 60), NOW)
            assert str(month) in shown or one.months[month - 1] in shown
            assert "{" not in shown
