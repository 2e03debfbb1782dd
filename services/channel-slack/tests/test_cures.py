"""What only an administrator mends is never called a thing that mends itself."""

from pathlib import Path

import pytest

from machi_channel_slack.ports import MENDABLE, SlackRefused
from machi_tools.diagnosis.waiting import CURES, cure_of

RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbooks" / "waiting.md").read_text("utf-8")
NAMES = [*sorted(MENDABLE), "restricted_action", "restricted_action_read_only_channel"]


@pytest.mark.parametrize("name", NAMES)
def test_the_doctor_has_a_cure_for_what_an_administrator_mends(name: str) -> None:
    refused = SlackRefused(name)
    assert refused.mendable
    assert "by itself" not in cure_of(refused.slug)


@pytest.mark.parametrize("name", sorted({*MENDABLE, "restricted_action"}))
def test_the_runbook_has_a_row_for_what_an_administrator_mends(name: str) -> None:
    assert f"`{name}`" in RUNBOOK


def test_no_direct_messages_at_all_has_a_cure_of_its_own() -> None:
    assert "Messages tab" in CURES["slack-messages-tab-disabled"]
