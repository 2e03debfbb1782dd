"""Quiet hours, in every zone and across midnight, and what the policy makes of them."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import machi_notifications
from machi_notifications.adapters.policies import load_policies
from machi_notifications.domain.policy import AtNight, Later, Now, Policy, Rule, TooLate, behind
from machi_notifications.domain.quiet_hours import QuietHours
from machi_sdk.errors import Invalid

ZONES = ("Asia/Tokyo", "Asia/Taipei", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
SHIPPED = Path(machi_notifications.__file__).parent / "policy.yaml"
TOKYO = ZoneInfo("Asia/Tokyo")
NIGHT = QuietHours(time(21), time(7), TOKYO)

half_hours = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
hours = st.builds(QuietHours, half_hours, half_hours, st.sampled_from(ZONES).map(ZoneInfo))
moments = st.integers(
    int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(hours, moments)
def test_the_quiet_hours_end_within_a_day_and_at_a_time_that_is_not_quiet(quiet: QuietHours, at: datetime) -> None:
    end = quiet.ends_after(at)
    assert not quiet.covers(end)
    assert at <= end <= at + timedelta(hours=26)


@given(hours, moments)
def test_outside_quiet_hours_nothing_waits(quiet: QuietHours, at: datetime) -> None:
    assert (quiet.ends_after(at) == at) == (not quiet.covers(at))


@given(hours, moments, st.integers(1, 47))
def test_a_wait_never_jumps_over_a_time_that_is_not_quiet(quiet: QuietHours, at: datetime, steps: int) -> None:
    between = at + (quiet.ends_after(at) - at) * steps / 48
    if between < quiet.ends_after(at):
        assert quiet.covers(between)


@pytest.mark.parametrize(
    ("local", "quiet"),
    [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("06:59", True), ("07:00", False)],
)
def test_a_window_across_midnight(local: str, quiet: bool) -> None:
    at = datetime.combine(date(2026, 11, 24), time.fromisoformat(local), TOKYO)
    assert NIGHT.covers(at) is quiet


def test_equal_ends_mean_no_quiet_hours() -> None:
    never = QuietHours(time(7), time(7), TOKYO)
    assert not any(never.covers(datetime(2026, 11, 24, hour, tzinfo=UTC)) for hour in range(24))


def _policy(at_night: AtNight) -> Policy:
    return Policy(NIGHT, {"ReportResolved": Rule(at_night, timedelta(hours=48))})


OWN = """
default: {causes: {}}
tenants:
  saga: {causes: {ReportResolved: {at_night: hold, send_within_hours: 5}}}
"""
LATE = datetime(2026, 11, 24, 22, 30, tzinfo=TOKYO)


def test_the_three_ways_of_the_night() -> None:
    before = LATE + timedelta(hours=48)
    assert _policy(AtNight.SOUND).decide("ReportResolved", LATE, LATE) == Now(before, quiet=False)
    assert _policy(AtNight.QUIET).decide("ReportResolved", LATE, LATE) == Now(before, quiet=True)
    held = _policy(AtNight.HOLD).decide("ReportResolved", LATE, LATE)
    assert held == Later(before, datetime(2026, 11, 25, 7, 0, tzinfo=TOKYO))


def test_old_news_is_no_news() -> None:
    policy = _policy(AtNight.QUIET)
    assert isinstance(policy.decide("ReportResolved", LATE - timedelta(hours=48), LATE), TooLate)
    assert isinstance(policy.decide("ReportResolved", LATE - timedelta(hours=47), LATE), Now)


def test_a_hold_that_would_outlive_the_news_is_refused() -> None:
    policy = Policy(NIGHT, {"ReportResolved": Rule(AtNight.HOLD, timedelta(hours=2))})
    assert isinstance(policy.decide("ReportResolved", LATE, LATE), TooLate)


def test_what_comes_while_something_of_its_case_is_held_leaves_no_sooner_and_is_news_as_long() -> None:
    at, hour = LATE, timedelta(hours=1)
    held = Later(at + 9 * hour, at + 8 * hour)
    assert behind(Now(at + hour, quiet=True), held) == held
    assert behind(Now(at + 48 * hour, quiet=False), held) == Later(at + 48 * hour, held.until)
    assert behind(Later(at + 48 * hour, at + 4 * hour), held) == Later(at + 48 * hour, held.until)
    assert behind(Later(at + 48 * hour, at + 32 * hour), held) == Later(at + 48 * hour, at + 32 * hour)
    for alone in (Now(at, quiet=True), Later(at, at)):
        assert behind(alone, None) == alone
    assert behind(TooLate(at), held) == TooLate(at)


@given(moments)
def test_the_shipped_policy_never_delays_news_of_a_case(at: datetime) -> None:
    policy = load_policies(SHIPPED).of("fukuoka")
    told = {
        *("ReportAcknowledged", "ReporterAsked", "ReporterWrittenTo"),
        *("ReportResolved", "ReportRejected", "ReportMarkedDuplicate"),
    }
    assert set(policy.rules) == told
    assert all(isinstance(policy.decide(cause, at, at), Now) for cause in policy.rules)


def test_a_tenant_may_have_its_own_policy_and_a_wrong_file_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(OWN)
    policies = load_policies(path)
    assert policies.of("saga").tells("ReportResolved")
    assert not policies.of("fukuoka").tells("ReportResolved")
    path.write_text("default: {quiet_hours: {start: '21:00', end: '07:00', time_zone: Asia/Atlantis}, causes: {}}")
    with pytest.raises(Invalid, match=r"default\.quiet_hours\.time_zone"):
        load_policies(path)
