"""Whose event is next, and when one is tried again."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from machi_sdk.inbound import PendingEvent
from machi_sdk.inbound.due import Due
from machi_sdk.inbound.queue import _pause
from machi_sdk.work import Work, Works

if TYPE_CHECKING:
    import asyncpg

FUKUOKA = [(number, "fukuoka") for number in range(1, 9)]


def test_who_came_first_is_next() -> None:
    due = Due(FUKUOKA)
    assert due.take(3, {"fukuoka": 60}) == [1, 2, 3]
    assert due.take(9, {}) == [4, 5, 6, 7, 8]
    assert due.take(9, {}) == []


def test_the_tenant_with_the_fewest_under_way_is_next() -> None:
    due = Due([*FUKUOKA, (11, "sapporo"), (12, "sapporo"), (13, "sapporo")])
    assert due.take(4, {}) == [1, 11, 2, 12]
    assert due.take(3, {"fukuoka": 58, "sapporo": 2}) == [13, 3, 4], "what one has no use for the other gets"


def waiting(tries: int, age: timedelta) -> PendingEvent:
    row = {"id": 1, "tenant": "fukuoka", "payload": b"", "trace": "{}", "state": "waiting", "stored": None}
    row |= {
        "pod": "",
        "reply_mark": "",
        "reason": "",
        "tries": tries,
        "received_at": datetime.now(UTC) - age,
        "focus_version": None,
    }
    return PendingEvent(cast("asyncpg.Record", row), cast("Works[Work]", None))


def test_who_has_waited_for_long_is_tried_less_often() -> None:
    soon, late, very_late = (timedelta(minutes=minutes) for minutes in (1, 10, 600))
    assert [_pause(waiting(tries, soon)) for tries in (1, 2, 3, 4, 99)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert [round(_pause(waiting(99, age))) for age in (late, very_late)] == [20, 60]
    assert _pause(waiting(1, very_late)) == 0.5
