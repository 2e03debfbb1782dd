from datetime import UTC, datetime, timedelta

import pytest

from machi_sdk.deliveries.standing import End, Standing, pause, settled

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


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
