"""What the doctor makes of the gauge of things that wait."""

from machi_tools.diagnosis.waiting import look_at_waiting
from machi_tools.stack.readiness import Answer

METRICS = """\
# HELP machi_waiting What was tried in vain and waits
# TYPE machi_waiting gauge
machi_waiting{reason="slack-is-archived",what="cards of lighting"} 3.0
machi_waiting{reason="slack-missing-scope",what="cards of parks"} 1.0
machi_waiting{reason="desk-unknown",what="cards of trees"} 1.0
machi_waiting{reason="peer-down",what="events"} 2.0
machi_waiting{reason="photo-not-written",what="events"} 1.0
machi_waiting{reason="slack-restricted-action-thread-only-channel",what="cards of roads"} 1.0
machi_waiting{reason="slack-limited",what="deliveries"} 1.0
machi_waiting{reason="slack-uncertain",what="cards of water"} 0.0
# TYPE machi_other gauge
machi_other 1.0
"""


def test_a_line_each_with_what_slack_says_and_what_helps() -> None:
    found = {finding["what"]: finding["cure"] for finding in look_at_waiting(Answer(200, METRICS)).findings}
    assert list(found) == [
        "cards of lighting wait (3): Slack says is_archived",
        "cards of parks wait (1): Slack says missing_scope",
        "cards of roads wait (1): Slack says restricted_action_thread_only_channel",
        "cards of trees wait (1): desk-unknown",
        "deliveries wait (1): Slack says limited",
        "events wait (2): peer-down",
        "events wait (1): photo-not-written",
    ]
    assert "administrators" in found["cards of roads wait (1): Slack says restricted_action_thread_only_channel"]
    assert "by itself" in found["deliveries wait (1): Slack says limited"]
    assert "unarchive the channel" in found["cards of lighting wait (3): Slack says is_archived"]
    assert "install the app again" in found["cards of parks wait (1): Slack says missing_scope"]
    assert "OBJECT_STORE_URL" in found["events wait (1): photo-not-written"]
    assert "no such desk" in found["cards of trees wait (1): desk-unknown"]


def test_a_pod_that_says_nothing_readable_has_nothing_waiting() -> None:
    assert look_at_waiting(Answer(0, "unreachable")).findings == []
    assert look_at_waiting(Answer(200, "{")).findings == []
