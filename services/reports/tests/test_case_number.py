"""Case numbers: readable, checked, not guessable."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi_reports.domain.case_number import (
    ALPHABET,
    PAYLOADS,
    looks_like_case_number,
    make_case_number,
    read_case_number,
)
from machi_sdk.manifest import load_manifest
from machi_sdk.names import fold

MANIFEST = Path(__file__).parents[1] / "service.yaml"
NUMBERS = st.integers(0, PAYLOADS - 1).map(lambda payload: make_case_number("FK", payload))


@given(NUMBERS)
def test_a_number_is_read_back_however_it_is_written(number: str) -> None:
    assert read_case_number(number) == number
    assert read_case_number(number.lower().replace("-", " ")) == number
    assert read_case_number(number.replace("-", "")) == number
    assert read_case_number("".join(chr(ord(c) + 0xFEE0) for c in number)) == number


@given(NUMBERS, st.integers(0, 7), st.sampled_from(ALPHABET))
def test_one_wrong_sign_shows(number: str, place: int, sign: str) -> None:
    signs = list(number.removeprefix("FK-").replace("-", ""))
    if signs[place] == sign:
        return
    signs[place] = sign
    assert read_case_number("FK" + "".join(signs)) is None


@given(NUMBERS, st.integers(0, 7), st.integers(0, 7))
def test_two_swapped_signs_show(number: str, first: int, second: int) -> None:
    signs = list(number.removeprefix("FK-").replace("-", ""))
    if signs[first] == signs[second]:
        return
    signs[first], signs[second] = signs[second], signs[first]
    assert read_case_number("FK" + "".join(signs)) is None


@given(st.integers(0, PAYLOADS - 1))
def test_shape(payload: int) -> None:
    prefix, first, second = make_case_number("FK", payload).split("-")
    assert prefix == "FK"
    assert len(first) == len(second) == 4
    assert not set(first + second) & set("ILOU")


@pytest.mark.parametrize("text", ["", "FK", "通報", "FK-0000-000", "12345678", "FK-7K3M-9Q2D-1", "🙂" * 10])
def test_what_is_no_number(text: str) -> None:
    assert read_case_number(text) is None


def test_lookalikes_are_forgiven() -> None:
    number = make_case_number("FK", 0b00001_00000_00001_00000_00001_00000_00001)
    assert set(number[3:].replace("-", "")) <= {"0", "1", number[-1]}
    typed = number[:3] + number[3:-1].replace("0", "o").replace("1", "l") + number[-1]
    assert read_case_number(typed) == number


CASES = next(entry for entry in load_manifest(MANIFEST).dialogues if entry.command == "cases")
PHRASE, WITHIN = re.compile(CASES.phrase, re.IGNORECASE), re.compile(CASES.within)


@pytest.mark.parametrize("payload", [0, 1, 32**7 - 1, 7_654_321])
def test_a_typed_number_means_the_case(payload: int) -> None:
    number = make_case_number("FK", payload)
    for typed in (number, number.lower(), number.replace("-", " "), number.replace("-", "ー")):
        is_wordlike = " " in typed and not re.search("[0-9]", number)
        assert bool(PHRASE.fullmatch(fold(typed))) is not is_wordlike, typed
        assert looks_like_case_number(typed, "FK"), typed


@pytest.mark.parametrize(
    "typed", ["fk-7k3m-9q2d", "FK 7K3M 9Q2D", "fk7k3m9q2d", "FK-ABCD-EFGH", "ＦＫー７Ｋ３Ｍー９Ｑ２Ｄ"]
)
def test_numbers_of_every_kind_mean_a_case(typed: str) -> None:
    assert PHRASE.fullmatch(fold(typed))
    assert looks_like_case_number(typed, "FK")


@pytest.mark.parametrize(
    "typed", ["How is FK-7K3M-9Q2D?", "「ＦＫ－７Ｋ３Ｍ－９Ｑ２Ｄ」", "FK-\u200b7K3M-9Q2D", "番号はfkー7k3mー9q2dです"]
)
def test_a_number_among_other_words_is_found_whole(typed: str) -> None:
    found = WITHIN.search(fold(typed))
    assert found is not None
    assert looks_like_case_number(found[0], "FK")


WORDS = ["streetlamp", "road repair", "fk", "broken-lamp", "help menu", "通報", "Tree fell down", "big hole here"]
WORDS += ["lamp post down", "the road sign", "pot-hole here", "drainage", "park tree fell", "two holes here"]


@pytest.mark.parametrize("words", WORDS)
def test_words_mean_no_case(words: str) -> None:
    assert not PHRASE.fullmatch(fold(words))
    assert not WITHIN.search(fold(words))
    assert not looks_like_case_number(words, "FK")
