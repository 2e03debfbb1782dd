"""Codes, who may link with whom, and what two people in one come to: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi_identity.domain.citizens import Dialogue, Focus
from machi_identity.domain.consent import Standing, Status
from machi_identity.domain.linking import (
    CODES,
    MOST_MISSES,
    PAUSE,
    SIGNS,
    Misses,
    Offer,
    Refusal,
    Speaker,
    code_of,
    is_code,
    refusal_of,
    shown,
    typed_code,
)
from machi_identity.domain.merging import Person, by_age, carried, merged

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DECIDED = [Status.GIVEN, Status.REFUSED, Status.WITHDRAWN]
NO = (Status.REFUSED, Status.WITHDRAWN)
moments = st.integers(0, 5).map(lambda minutes: NOW - timedelta(minutes=minutes))
standings = st.none() | st.builds(Standing, st.sampled_from(DECIDED), st.integers(1, 3), moments)
focuses = st.builds(Focus, st.sampled_from(["", "reports"]), st.sampled_from(["", "s1"]), st.integers(0, 9))
languages = st.sampled_from([None, "ja", "en"])
people = st.builds(
    Person, st.uuids().map(str), moments, languages, st.none() | moments, st.none() | st.just("40133"), focuses
)


@given(st.integers(0, CODES - 1))
def test_a_code_survives_however_it_is_typed(payload: int) -> None:
    code = code_of(payload)
    assert len(code) == 8
    assert set(code) <= set(SIGNS)
    for typed in (
        shown(code),
        f" {code.lower()}。",
        f"連携 {shown(code)}",
        f"link {code[:4]} {code[4:]}",
        f"連携{code}",
    ):
        assert typed_code(typed) == code
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    assert typed_code(f"連携　{wide[:4]}－{wide[4:]}") == code
    assert is_code(shown(code))
    assert is_code(shown(code), surely=True) is not code.isalpha()
    assert not is_code(f"連携 {shown(code)}")


def test_no_two_signs_look_or_sound_alike() -> None:
    for alike in ("0O", "1IL", "2Z", "5S", "8B", "UV"):
        assert len(set(SIGNS) & set(alike)) <= 1
    assert len(set(SIGNS)) == len(SIGNS)


@pytest.mark.parametrize(
    "typed", ["", "連携", "link", "link account", "道路に穴があります", "FK-7K3M-9Q2D-1", "some lamp"]
)
def test_what_is_no_code_is_none(typed: str) -> None:
    assert not is_code(typed)


OFFER = Offer("offerer", "line", NOW + timedelta(minutes=10), used=False)
OTHER = Speaker("speaker", "slack")


@pytest.mark.parametrize(
    ("offer", "speaker", "shared", "refusal"),
    [
        (OFFER, OTHER, (), None),
        (Offer("offerer", "line", NOW, used=False), OTHER, (), Refusal.EXPIRED),
        (Offer("offerer", "line", NOW, used=True), OTHER, (), Refusal.USED),
        (OFFER, Speaker("offerer", "line"), ("line",), Refusal.OWN),
        (OFFER, Speaker("offerer", "slack"), ("line", "slack"), Refusal.ALREADY),
        (OFFER, Speaker("speaker", "line"), ("line",), Refusal.SAME_CHANNEL),
        (OFFER, OTHER, ("web",), Refusal.TAKEN),
    ],
)
def test_why_a_code_links_nothing(
    offer: Offer, speaker: Speaker, shared: tuple[str, ...], refusal: Refusal | None
) -> None:
    assert refusal_of(offer, speaker, shared, NOW) is refusal


def test_five_wrong_codes_bring_a_pause_of_ten_minutes() -> None:
    misses = Misses()
    for number in range(MOST_MISSES):
        assert not misses.paused(NOW)
        misses = misses.missed(f"e{number}", NOW)
        assert misses.missed(f"e{number}", NOW) == misses, "a retry is no second try"
    assert misses.paused(NOW)
    assert misses.paused(NOW + PAUSE - timedelta(seconds=1))
    assert not misses.paused(NOW + PAUSE)
    assert not misses.missed("e9", NOW + PAUSE).paused(NOW + PAUSE)


def test_wrong_codes_long_ago_do_not_count() -> None:
    misses = Misses()
    for number in range(MOST_MISSES * 2):
        misses = misses.missed(f"e{number}", NOW + number * PAUSE)
        assert not misses.paused(NOW + number * PAUSE)


@given(standings, standings)
def test_the_latest_decision_counts_unless_somebody_said_no(kept: Standing | None, gone: Standing | None) -> None:
    new = carried(kept, gone)
    stands = new or kept
    both = [each for each in (kept, gone) if each]
    if not both:
        assert stands is None
        return
    assert stands is not None
    noes = [each for each in both if each.status in NO]
    candidates = noes or both
    latest = max(each.decided_at for each in candidates if each.decided_at)
    assert (stands.status in NO) == bool(noes)
    assert any(
        (each.status, each.notice_version) == (stands.status, stands.notice_version)
        for each in candidates
        if each.decided_at == latest
    )


@given(standings)
def test_two_who_agree_need_no_new_entry(one: Standing | None) -> None:
    assert carried(one, one) is None
    assert carried(one, None) is None


@given(people, people, focuses)
def test_one_person_of_two(one: Person, other: Person, focus: Focus) -> None:
    kept, gone = by_age(one, other)
    assert (kept, gone) == by_age(other, one)
    assert kept.created_at <= gone.created_at
    person = merged(kept, gone, Dialogue(focus.pod, focus.session_id))
    assert person.citizen_id == kept.citizen_id
    assert person.language in (kept.language, gone.language)
    assert (person.language is None) == (kept.language is None and gone.language is None)
    assert person.ward_code == (kept.ward_code or gone.ward_code)
    assert person.focus.version > max(kept.focus.version, gone.focus.version)
    assert (person.focus.pod, person.focus.session_id) == (focus.pod, focus.session_id)


@pytest.mark.parametrize(
    ("kept", "gone", "language"),
    [
        (("ja", 1), ("en", 2), "en"),
        (("ja", 2), ("en", 1), "ja"),
        (("ja", None), ("en", 1), "en"),
        (("ja", 1), ("en", None), "ja"),
        (("ja", 1), (None, None), "ja"),
        ((None, None), ("en", None), "en"),
    ],
)
def test_the_language_chosen_last_is_spoken(
    kept: tuple[str | None, int | None], gone: tuple[str | None, int | None], language: str
) -> None:
    def person(name: str, known: tuple[str | None, int | None]) -> Person:
        at = None if known[1] is None else NOW + timedelta(hours=known[1])
        return Person(name, NOW, known[0], at, None, Focus("", "", 0))

    assert merged(person("kept", kept), person("gone", gone), Dialogue()).language == language
