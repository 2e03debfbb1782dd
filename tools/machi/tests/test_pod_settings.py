"""The doctor asks with the settings that a pod's process really has, not with its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from machi_tools.diagnosis.settings import settings_look, settings_of
from machi_tools.embedded.process import Identity
from machi_tools.stack.settings import digests
from machi_tools.stack.state import Process, Servers, State

SERVERS = Servers(postgres="", postgres_own=True, kafka="", kafka_own=True)
LINE = "channel_secret: s\nchannel_access_token: of-sapporo\nbot_user_id: Usapporo\n"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A pod's process in a folder of its own, with channel settings of a second tenant beside it."""
    (tmp_path / "channels" / "sapporo").mkdir(parents=True)
    (tmp_path / "channels" / "sapporo" / "line.yaml").write_text(LINE)
    environment = {
        "LINE_CHANNEL_ACCESS_TOKEN": "of-the-pod",
        "LINE_CHANNEL_SECRET": "secret",
        "LINE_BOT_USER_ID": "Upod",
        "MACHI_CHANNELS_DIR": "channels",
        "SLACK_API_URL": "http://127.0.0.1:9/slack/api",
    }
    waiting = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(
        waiting, env=environment, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        me = Process(pid=process.pid, started=Identity.of(process.pid).started)
        yield State(supervisor=me, servers=SERVERS, processes={"channel-line": me})
        process.kill()


def test_a_pods_settings_are_its_own_with_every_tenants_channels(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "of-this-shell")
    monkeypatch.setenv("SLACK_TEAM_ID", "T0SHELL")
    found = settings_of(state, "channel-line")
    assert found is not None
    channels = found.line_channels.by_tenant.items()
    tokens = {tenant: line.channel_access_token.get_secret_value() for tenant, line in channels}
    assert tokens == {"fukuoka": "of-the-pod", "sapporo": "of-sapporo"}
    assert found.slack_channels.by_tenant == {}


def test_a_pod_that_does_not_run_has_none(state: State) -> None:
    assert settings_of(state, "channel-slack") is None
    state.processes["channel-line"].started -= 10
    assert settings_of(state, "channel-line") is None


def told(state: State) -> list[str]:
    return [finding["what"] for finding in settings_look(state).findings]


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, []),
        ({"LINE_API_URL": ""}, []),
        (
            {"LINE_API_URL": "http://x", "LINE_CHANNEL_SECRET": "s", "LINE_DATA_API_URL": ""},
            ["LINE_DATA_API_URL", "LINE_CHANNEL_ACCESS_TOKEN", "LINE_BOT_USER_ID"],
        ),
        ({"LINE_BOT_USER_ID": "U1"}, []),
    ],
)
def test_settings_the_stack_was_given_in_part_are_told_and_not_this_shells(
    state: State, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: list[str]
) -> None:
    monkeypatch.setenv("SLACK_API_URL", "http://of-this-shell")
    monkeypatch.setenv("LINE_DATA_API_URL", "http://of-this-shell")
    state.settings = digests(given, "key")
    assert told(state) == [f"LINE_API_URL is set but {name} is not" for name in missing]


def test_an_address_that_slacks_sdk_cannot_use_is_told_of_the_pod_that_has_it(state: State) -> None:
    state.processes["channel-slack"] = state.processes["channel-line"]
    assert told(state) == ["SLACK_API_URL does not end in /api/"]


def test_a_channel_that_is_off_for_its_file_is_told_with_the_cure(state: State, tmp_path: Path) -> None:
    (tmp_path / "channels" / "sapporo" / "line.yaml").write_text(LINE.replace("channel_secret: s", "channel_secret:"))
    [finding] = [each for each in settings_look(state).findings if "sapporo" in each["what"]]
    assert finding["what"] == "channel-line leaves the channel of sapporo/line.yaml off: channel_secret: is empty"
    assert "docs/settings.md" in finding["cure"]
