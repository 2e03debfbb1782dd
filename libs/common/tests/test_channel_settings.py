"""Channels' settings: refused by name when something is wrong, and never with what stood there."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from machi_sdk import operating
from machi_sdk.clock import SystemClock
from machi_sdk.manifest import Manifest
from machi_sdk.migrating_job import main as migrate
from machi_sdk.service import Pod, run
from machi_sdk.settings import Settings, WrongSetting, read_settings
from machi_sdk.testing import LocalRelease

SECRET = "hush-0123456789abcdef"
SLACK = {"signing_secret": SECRET, "bot_token": SECRET, "team_id": "T9"}


def put(folder: Path, tenant: str, kind: str, content: Mapping[str, object] | str) -> Settings:
    """A file of a tenant; the settings that find it."""
    (folder / tenant).mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / tenant / f"{kind}.yaml").write_text(text, encoding="utf-8")
    return Settings(machi_channels_dir=folder)


def test_other_tenants_have_channels_in_files(tmp_path: Path) -> None:
    (tmp_path / "..2026_11_29").mkdir()  # as Kubernetes keeps what it projects
    settings = put(tmp_path, "sapporo", "slack", SLACK)
    assert settings.slack_channels.by_tenant["sapporo"].team_id == "T9"
    assert settings.line_channels.by_tenant == {}
    assert settings.refused_channels() == {}
    assert settings.tenants == {"fukuoka", "sapporo"}


def test_a_tenant_that_is_named_and_has_no_file_is_known(tmp_path: Path) -> None:
    put(tmp_path, "kobe", "slack", {**SLACK, "team_id": ""})
    given = put(tmp_path, "sapporo", "slack", SLACK).model_copy(update={"machi_tenants": "sapporo, kobe,naha"})
    assert given.without_channel() == ["naha"]


def test_an_id_of_digits_stays_as_it_is_written(tmp_path: Path) -> None:
    line = "channel_id: 0165\nchannel_secret: 00e1\nchannel_access_token: 7\nbot_user_id: U1\n"
    found = put(tmp_path, "sapporo", "line", line).line_channels.by_tenant["sapporo"]
    assert (found.channel_id, found.channel_secret.get_secret_value()) == ("0165", "00e1")


def test_the_line_break_behind_a_secret_is_no_part_of_it(tmp_path: Path) -> None:
    slack = {name: f"{value}\n" for name, value in SLACK.items()}
    found = put(tmp_path, "sapporo", "slack", slack).slack_channels.by_tenant["sapporo"]
    assert (found.bot_token.get_secret_value(), found.team_id) == (SECRET, "T9")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({**SLACK, "signing_secret": ""}, "signing_secret: is empty"),
        ({**SLACK, "team_id": ""}, "team_id: is empty"),
        ({"signing_secret": SECRET, "team_id": "T9"}, "bot_token: Field required"),
        (f"signing_secret: {SECRET}\n  bot_token: x", "line 2 is not YAML"),
        ("team_id: T1\nteam_id: T2", "line 2: the key 'team_id' stands here twice"),
        (SECRET, "Input should be a valid dictionary or instance of SlackSettings"),
        (f"\0{SECRET}", "is not YAML"),
        ({**SLACK, "bot_token": "one\ntwo"}, "bot_token: holds what no header may hold"),
        ({**SLACK, "flood_cards": SECRET}, "flood_cards: Input should be a valid integer"),
        ({**SLACK, "flood_cards": 0}, "flood_cards: Input should be greater than or equal to 1"),
        ({**SLACK, "calm_seconds": float("inf")}, "calm_seconds: Input should be"),
        ({**SLACK, "calm_seconds": 1e15}, "calm_seconds: Input should be less than or equal to 86400"),
    ],
)
def test_a_wrong_file_turns_off_its_own_channel_alone(
    tmp_path: Path, content: Mapping[str, object] | str, wrong: str
) -> None:
    put(tmp_path, "kobe", "slack", content)
    settings = put(tmp_path, "sapporo", "slack", SLACK)
    found = settings.slack_channels
    assert list(found.by_tenant) == ["sapporo"]
    assert wrong in found.refused["kobe/slack.yaml"]
    assert SECRET not in str(found.refused)
    assert found.off == {"kobe"}
    assert settings.tenants == {"fukuoka", "kobe", "sapporo"}


def test_an_account_is_one_tenants(tmp_path: Path) -> None:
    line = "channel_id: '1'\nchannel_secret: s\nchannel_access_token: t\nbot_user_id: U1\n"
    for tenant in ("kobe", "sapporo", "fukuoka"):
        put(tmp_path, tenant, "slack", {**SLACK, "team_id": "T7"} if tenant == "fukuoka" else SLACK)
        put(tmp_path, tenant, "line", line)
    secret = SecretStr(SECRET)
    settings = Settings(
        machi_channels_dir=tmp_path,
        line_bot_user_id="U1",
        line_channel_id="1",
        line_channel_secret=secret,
        line_channel_access_token=secret,
    )
    assert list(settings.line_channels.by_tenant) == ["fukuoka"], "its own file stands in for the environment"
    assert sorted(settings.slack_channels.by_tenant) == ["fukuoka", "kobe"]
    assert settings.refused_channels() == {
        "kobe/line.yaml": "bot_user_id: this account is fukuoka's",
        "sapporo/line.yaml": "bot_user_id: this account is fukuoka's",
        "sapporo/slack.yaml": "team_id: this account is kobe's",
    }


def test_a_file_that_nobody_may_read_is_refused_like_a_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "kobe").mkdir()
    (tmp_path / "kobe" / "line.yaml").write_bytes(b"\xff\xfe\x00")
    refused = Settings(machi_channels_dir=tmp_path).refused_channels()
    assert refused == {"kobe/line.yaml": "cannot be read: UnicodeDecodeError"}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (
            {"SLACK_TEAM_ID": "T1"},
            "SLACK_SIGNING_SECRET: is empty; SLACK_BOT_TOKEN: is empty: .*SLACK_TEAM_ID away",
        ),
        ({"LINE_BOT_USER_ID": "U1", "LINE_CHANNEL_ACCESS_TOKEN": "t"}, "^LINE_CHANNEL_SECRET: is empty: "),
    ],
)
def test_an_id_without_its_secret_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wrong: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=wrong):
        read_settings().refused_channels()


async def hang_channels(pod: Pod) -> None:
    """As a channel does first."""
    pod.channels(pod.settings.slack_channels)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SLACK_TEAM_ID", "T1", "SLACK_SIGNING_SECRET: is empty"),
        ("SLACK_FLOOD_CARDS", "many", "SLACK_FLOOD_CARDS: Input should be a valid integer"),
        ("MACHI_CHANNELS_DIR", "/nowhere", "MACHI_CHANNELS_DIR: /nowhere: No such file or directory"),
    ],
)
def test_a_pod_with_a_wrong_setting_ends_with_a_line(
    monkeypatch: pytest.MonkeyPatch, toy_folder: Path, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    monkeypatch.setenv("MACHI_MANIFEST", str(toy_folder / "service.yaml"))
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=words) as ended:
        run(hang_channels)
    assert "\n" not in str(ended.value)


@pytest.mark.parametrize("verb", ["ready", "outbox"])
def test_who_asks_a_pod_with_a_wrong_setting_hears_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.setenv("SLACK_FLOOD_CARDS", "many")
    assert operating.main([verb]) == 3
    assert "WrongSetting: SLACK_FLOOD_CARDS: Input" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["migrating_job", "check"])
    with pytest.raises(SystemExit):
        migrate()
    assert "✗ SLACK_FLOOD_CARDS: Input" in capsys.readouterr().err


@pytest.mark.integration
async def test_a_channel_that_is_off_is_counted_and_told_to_whoever_looks(
    tmp_path: Path, toy: Manifest, release: LocalRelease
) -> None:
    put(tmp_path, "kobe", "slack", {**SLACK, "signing_secret": ""})
    put(tmp_path, "sapporo", "slack", SLACK)
    given = {"machi_channels_dir": tmp_path, "machi_http_address": "127.0.0.1:1"}
    settings = release.settings("toy", "postgresql://x@127.0.0.1:1/x").model_copy(update=given)
    pod = Pod(settings, toy, SystemClock())
    assert list(pod.channels(settings.slack_channels)) == ["sapporo"]
    assert REGISTRY.get_sample_value("machi_channels_off") == 1
    [said] = await operating.ask(settings, "look")
    assert isinstance(said, dict)
    assert said["channels_off"] == {"kobe/slack.yaml": "signing_secret: is empty"}
    await pod.database.close()
