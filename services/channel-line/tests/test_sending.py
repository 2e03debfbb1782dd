from datetime import UTC, datetime, timedelta

import pytest

from machi_channel_line.adapters.judging import judge_reply
from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.ports import Replied, TokenSpent
from machi_sdk.deliveries import Accepted, NotTaken, Refused, Unclear

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
        (401, "Authentication failed", NotTaken("platform-401")),
        (403, "", NotTaken("platform-403")),
        (404, "", Refused("platform-404")),
    ],
)
def test_what_an_answer_of_line_stands_for(status: int, message: str, outcome: Replied) -> None:
    assert judge_reply(status, message) == outcome


def test_an_hour_holds_ninety_changes() -> None:
    budget = HourlyBudget(90)
    assert budget.take(90, NOW)
    assert not budget.take(1, NOW + timedelta(minutes=59))
    assert budget.take(1, NOW + timedelta(hours=1))
