"""What runs where, and with which settings, is decided before anything starts."""

import json
import socket
from pathlib import Path

import pytest
import yaml

from machi_sdk.language import known
from machi_tools.embedded.ports import LOOPBACK
from machi_tools.errors import StackError
from machi_tools.stack.layout import ROOT, Layout
from machi_tools.stack.plan import SEEDS, TENANT, Plan, make_plan, offered_languages
from machi_tools.stack.pods import discover

TOY = Path(__file__).with_name("toy")


def plan_with(tmp_path: Path, **environ: str) -> Plan:
    return make_plan(Layout(TOY, tmp_path), environ)


def test_a_busy_port_is_passed_over_and_told(tmp_path: Path) -> None:
    quiet = plan_with(tmp_path)
    wanted = quiet.ports["identity http"]
    with socket.create_server((LOOPBACK, wanted)):
        moved = plan_with(tmp_path)
    assert moved.ports["identity http"] != wanted
    assert any(note.endswith(f"identity http listens on {moved.ports['identity http']}") for note in moved.notes)
    assert len(set(moved.ports.values())) == len(moved.ports)


def test_without_settings_the_simulator_stands_in_and_secrets_stay(tmp_path: Path) -> None:
    first, again = plan_with(tmp_path).channel_settings(), plan_with(tmp_path).channel_settings()
    assert first == again
    assert first["SLACK_API_URL"].endswith("/slack/api/")
    assert len(first["LINE_BOT_USER_ID"]) == 33
    assert first["LINE_CHANNEL_SECRET"] != plan_with(tmp_path / "other").channel_settings()["LINE_CHANNEL_SECRET"]


def test_a_phone_can_be_set_to_what_the_city_offers(tmp_path: Path) -> None:
    offered = json.loads(plan_with(tmp_path).simulator_command().environment["SIMULATOR_LANGUAGES"])
    city = yaml.safe_load((SEEDS / TENANT / "city.yaml").read_text(encoding="utf-8"))
    assert list(offered) == city["tenant"]["languages"]
    assert offered == {tag: known()[tag].name for tag in offered}
    assert list(offered_languages("nowhere")) == list(known())


def test_given_platforms_are_left_alone(tmp_path: Path) -> None:
    given = plan_with(tmp_path, LINE_API_URL="http://127.0.0.1:9/line", SLACK_API_URL="http://127.0.0.1:9/api/")
    assert given.channel_settings() == {}
    assert not given.has_simulator
    assert "simulator" not in given.ports


def test_spans_go_to_the_timeline_unless_told_otherwise(tmp_path: Path) -> None:
    plan = plan_with(tmp_path)
    told = plan.pod_command(plan.pods[0], "", "").environment
    heard = plan.simulator_command().environment
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{heard['SIMULATOR_TRACES_ADDRESS']}"
    assert heard["SIMULATOR_TRACES"] == ""
    platforms = {"LINE_API_URL": "http://127.0.0.1:9/line", "SLACK_API_URL": "http://127.0.0.1:9/api/"}
    assert plan_with(tmp_path, **platforms).trace_settings() == {}
    for elsewhere in ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4317"}, {"SIMULATOR_TRACES": "off"}):
        silent = plan_with(tmp_path, **elsewhere)
        assert silent.trace_settings() == {}
        assert silent.simulator_command().environment["SIMULATOR_TRACES"] == "off", "the timeline says so"


def test_given_servers_are_not_started(tmp_path: Path) -> None:
    given = plan_with(tmp_path, DATABASE_URL="postgresql://a:b@127.0.0.1:9/x", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert not {"postgres", "kafka", "kafka controller"} & set(given.ports)


def test_a_pod_is_told_everything_it_needs(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, MACHI_RELEASE="east")
    command = plan.pod_command(plan.pods[1], "postgresql://echo@db/echo", "127.0.0.1:9")
    settings = command.environment
    assert settings["MACHI_PEERS"] == f"identity={plan.rpc('identity')},echo={plan.rpc('echo')}"
    assert settings["MACHI_RELEASE"] == "east"
    assert settings["MACHI_KEYS_DIR"] == str(tmp_path / "keys" / "echo")
    assert list(command.arguments)[1:] == ["-m", "machi_echo"]


def test_folder_and_manifest_have_one_name(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "wrong"
    folder.mkdir(parents=True)
    (folder / "service.yaml").write_text("name: right\nversion: '1'\nowner: tests\n")
    with pytest.raises(StackError, match="names itself right"):
        discover(tmp_path)


def test_every_service_of_this_checkout_is_found() -> None:
    named = {path.parent.name for path in (ROOT / "services").glob("*/service.yaml")}
    assert {pod.name for pod in discover(ROOT)} == named
