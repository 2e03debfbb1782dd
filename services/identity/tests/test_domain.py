"""What is true, without any I/O."""

from datetime import UTC, datetime, timedelta

import pytest

from machi_identity.domain.citizens import Focus
from machi_identity.domain.consent import Decision, Notice, Status, answers_notice, in_force, may_decide
from machi_identity.domain.pods import notice_fault
from machi_identity.domain.release import ANSWER_WITHIN, Basis, ReleaseFacts, Verdict, judge, owns_channel
from machi_identity.domain.staff import Desk, Staff, Tenant, desk_fault, staff_fault, tenant_fault

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def facts(*, consent: Status = Status.GIVEN, reachable: bool = True, heard: timedelta | None = None) -> ReleaseFacts:
    heard_at = None if heard is None else NOW - heard
    return ReleaseFacts("c1", "U1", reachable, heard_at, consent, Focus("", "", 0))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (Status.GIVEN, Verdict.RELEASED),
        (Status.REFUSED, Verdict.NO_CONSENT),
        (Status.WITHDRAWN, Verdict.NO_CONSENT),
        (Status.UNKNOWN, Verdict.NO_CONSENT),
    ],
)
def test_only_a_given_consent_releases(status: Status, verdict: Verdict) -> None:
    assert judge(Basis.CONSENT, facts(consent=status), NOW) is verdict


def test_a_blocked_address_is_not_released_whatever_was_consented() -> None:
    assert judge(Basis.CONSENT, facts(reachable=False), NOW) is Verdict.UNREACHABLE


def test_no_consent_is_said_before_unreachable() -> None:
    assert judge(Basis.CONSENT, facts(consent=Status.REFUSED, reachable=False), NOW) is Verdict.NO_CONSENT


def test_an_answer_needs_no_consent_but_a_recent_message() -> None:
    recent = facts(consent=Status.REFUSED, heard=timedelta(minutes=1))
    assert judge(Basis.ANSWER, recent, NOW) is Verdict.RELEASED
    assert judge(Basis.ANSWER, facts(heard=ANSWER_WITHIN), NOW) is Verdict.RELEASED
    assert judge(Basis.ANSWER, facts(heard=ANSWER_WITHIN + timedelta(seconds=1)), NOW) is Verdict.NO_CONSENT
    assert judge(Basis.ANSWER, facts(heard=None), NOW) is Verdict.NO_CONSENT


def test_whoever_wrote_is_answered_even_where_the_follow_was_lost() -> None:
    assert judge(Basis.ANSWER, facts(heard=timedelta(0), reachable=False), NOW) is Verdict.RELEASED


@pytest.mark.parametrize(
    ("caller", "channel", "owns"),
    [
        ("channel-line", "line", True),
        ("channel-slack", "slack", True),
        ("channel-line", "slack", False),
        ("reports", "line", False),
        ("operator", "line", False),
        ("channel-", "", False),
    ],
)
def test_each_adapter_owns_its_channel_only(caller: str, channel: str, owns: bool) -> None:
    assert owns_channel(caller, channel) is owns


def test_consent_ends_with_its_notice_and_a_no_does_not() -> None:
    assert in_force(Status.GIVEN, notice_installed=False) is Status.UNKNOWN
    assert in_force(Status.GIVEN, notice_installed=True) is Status.GIVEN
    assert in_force(Status.WITHDRAWN, notice_installed=False) is Status.WITHDRAWN
    assert in_force(Status.REFUSED, notice_installed=False) is Status.REFUSED


@pytest.mark.parametrize(
    ("status", "stands"), [(Status.GIVEN, False), (Status.REFUSED, False), (Status.WITHDRAWN, True)]
)
def test_an_old_notice_can_only_be_withdrawn_from(status: Status, stands: bool) -> None:
    assert answers_notice(Decision("e", "c", "p", 1, status, "line"), 2) is stands


@pytest.mark.parametrize(
    ("pod", "status", "may"),
    [
        ("reports", Status.GIVEN, True),
        ("reports", Status.REFUSED, True),
        ("tourism", Status.GIVEN, False),
        ("tourism", Status.REFUSED, False),
        ("tourism", Status.WITHDRAWN, True),
        ("report", Status.GIVEN, False),
        ("", Status.GIVEN, False),
    ],
)
def test_a_pod_decides_about_its_own_purposes_and_withdraws_from_any(pod: str, status: Status, may: bool) -> None:
    assert may_decide(pod, Decision("e", "c", "reports.news", 1, status, "line")) is may


def notice(purpose: str = "reports.news", version: int = 1, text: str = "text") -> Notice:
    return Notice(purpose, version, "reports", {"ja": "t"}, {"ja": "b"}, {"ja": text} if text else {})


@pytest.mark.parametrize(
    ("notices", "place"),
    [
        ((notice("identity.news"),), "purposes.0.purpose"),
        ((notice(), notice()), "purposes.1.version"),
        ((notice(), notice(version=2, text="")), "purposes.1.text"),
    ],
)
def test_a_wrong_purpose_is_named_by_its_place(notices: tuple[Notice, ...], place: str) -> None:
    assert notice_fault(notices).startswith(place)


def test_right_notices_have_no_fault() -> None:
    assert notice_fault((notice(), notice(version=2))) == ""


@pytest.mark.parametrize(
    ("default", "zone", "languages", "fault"),
    [
        ("ja", "Asia/Tokyo", (), ""),
        ("ja", "Asia/Tokyo", ("en", "ja"), ""),
        ("ja", "Asia/Fukuoka", (), "time_zone: not an IANA name"),
        ("ja", "Asia/Tokyo", ("ja", "tlh"), "languages: tlh is none of ja, en"),
        ("ja", "Asia/Tokyo", ("ja", "ja"), "languages: one is there twice"),
        ("ja", "Asia/Tokyo", ("en",), "default_language: is not among the languages"),
        ("ko", "Asia/Tokyo", (), "default_language: is not among the languages"),
    ],
)
def test_a_tenant_offers_languages_that_are_known(
    default: str, zone: str, languages: tuple[str, ...], fault: str
) -> None:
    assert tenant_fault(Tenant({"ja": "福岡市"}, default, zone, languages), ("ja", "en")) == fault


def test_directory_entries_are_checked() -> None:
    assert desk_fault(Desk("d", "road-chuo", {"ja": "道路"}, "", "ja"), ("ja", "en")) == ""
    assert desk_fault(Desk("d", "Road Chuo", {"ja": "道路"}, "", "ja"), ("ja", "en")).startswith("name")
    assert (
        desk_fault(Desk("d", "road-chuo", {"ja": "道路"}, "", "tlh"), ("ja", "en")) == "language: tlh is none of ja, en"
    )
    good = Staff("s", "道路担当", ("officer",), ("d",), "T1/U1")
    assert staff_fault(good, frozenset({"d"})) == ""
    assert staff_fault(good, frozenset()).startswith("desk_ids")
    assert staff_fault(Staff("s", "道路担当", ("mayor",), (), ""), frozenset()).startswith("roles")
    assert staff_fault(Staff("s", "道路担当", (), (), "U1"), frozenset()).startswith("slack_address")
