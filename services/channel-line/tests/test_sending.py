from datetime import UTC, datetime, timedelta

import pytest

from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.domain.delivery import End, Standing, pause, settled
from machi_channel_line.domain.sending import Accepted, NotTaken, Outcome, Refused, TokenSpent, Unclear, judge

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "message", "outcome"),
    [
        (200, "", Accepted()),
        (409, "The retry key is already accepted", Accepted()),
        (429, "", NotTaken("platform-429")),
        (500, "", Unclear("platform-500")),
        (503, "", Unclear("platform-503")),
        (400, "Invalid reply token", TokenSpent()),
        (400, "The request body has 1 error(s)", Refused("platform-400")),
        (401, "", Refused("platform-401")),
    ],
)
def test_what_an_answer_of_line_stands_for(status: int, message: str, outcome: Outcome) -> None:
    assert judge(status, message) == outcome


@pytest.mark.parametrize(
    ("standing", "end"),
    [
        (Standing(2, 1, LATER, None), None),
        (Standing(2, 2, LATER, None), None),
        (Standing(1, 2, LATER, None), (End.SUPERSEDED, "newer-version-sent")),
        (Standing(1, 2, LATER, NOW), (End.UNKNOWN, "not-confirmed")),
        (Standing(1, 0, NOW, None), (End.EXPIRED, "send-before")),
        (Standing(1, 0, NOW, NOW - timedelta(minutes=5)), (End.UNKNOWN, "not-confirmed")),
        (Standing(1, 0, LATER, NOW - timedelta(hours=23)), (End.UNKNOWN, "retry-key-too-old")),
        (Standing(1, 0, LATER, NOW - timedelta(hours=22)), None),
    ],
)
def test_a_delivery_that_needs_no_attempt_ends(standing: Standing, end: tuple[End, str] | None) -> None:
    assert settled(standing, NOW) == end


def test_pauses_grow_and_stay_bounded() -> None:
    pauses = [pause(tries) for tries in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(seconds=60)


def test_an_hour_holds_ninety_changes() -> None:
    budget = HourlyBudget(90)
    assert budget.take(90, NOW)
    assert not budget.take(1, NOW + timedelta(minutes=59))
    assert budget.take(1, NOW + timedelta(hours=1))
