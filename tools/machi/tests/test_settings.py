"""A running stack knows by digests which settings it was started with."""

from machi_sdk.settings import Settings
from machi_tools.stack.settings import Difference, difference, digests

AT_START = {"LINE_API_URL": "http://127.0.0.1:9/line", "SLACK_BOT_TOKEN": "xoxb-secret", "HOME": "/", "PUBLIC_URL": ""}


def changes(**now: str) -> Difference:
    return difference(digests(AT_START, "key"), digests({**AT_START, **now}, "key"))


def test_the_same_settings_differ_in_nothing() -> None:
    assert changes() == Difference()


def test_another_value_and_a_new_setting_are_given() -> None:
    assert (
        changes(SLACK_BOT_TOKEN="xoxb-other", DATABASE_URL="postgresql://db").names == "DATABASE_URL, SLACK_BOT_TOKEN"
    )


def test_an_empty_setting_is_none() -> None:
    assert changes(LINE_API_URL="") == Difference(gone=("LINE_API_URL",))


def test_what_is_no_setting_is_passed_over() -> None:
    assert changes(HOME="/elsewhere", MACHI_STATE_DIR="/elsewhere", LINES="80") == Difference()


def test_every_setting_of_a_pod_is_noticed() -> None:
    names = {name.upper() for name in Settings.model_fields}
    assert "PLATFORM_PROXY" in names
    assert digests(dict.fromkeys(names, "x"), "key").keys() == names


def test_a_digest_tells_nothing_without_the_key() -> None:
    kept = digests(AT_START, "key")
    assert "secret" not in str(kept)
    assert kept["SLACK_BOT_TOKEN"] != digests(AT_START, "other key")["SLACK_BOT_TOKEN"]
