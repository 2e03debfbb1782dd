"""A wrong value is refused in one message that names its key; every key is described."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.cases import CASES
from tests.charts.rendering import CHARTS, RefusedError, render

SCHEMA: dict[str, Any] = json.loads((CHARTS / "machi" / "values.schema.json").read_text(encoding="utf-8"))


def _but(name: str, path: str, value: object) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(CASES[name]))
    *folders, last = path.split("/")
    place = values
    for folder in folders:
        place = place.setdefault(folder, {})
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return values


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        ("evaluation", "profile", "production", "additional properties 'profile'"),
        ("evaluation", "global/profile", "staging", "/global/profile"),
        ("evaluation", "reports/replica", 2, "'replica'"),
        ("evaluation", "reports/replicas", 0, "/reports/replicas"),
        ("evaluation", "reports/replicas", "two", "/reports/replicas"),
        ("evaluation", "reports/graceSeconds", 20, "/reports/graceSeconds"),
        ("evaluation", "reports/autoscaling/kind", "vpa", "/reports/autoscaling/kind"),
        ("evaluation", "global/tenant", "Fukuoka City", "/global/tenant"),
        ("evaluation", "global/kafka/bootstrapServers", "kafka", "/global/kafka/bootstrapServers"),
        ("evaluation", "global/kafka/bootstrapServers", "http://kafka:9092", "/global/kafka/bootstrapServers"),
        ("evaluation", "global/objectStore/url", "file:///photos", "/global/objectStore/url"),
        ("evaluation", "global/secretsRevision", 3, "/global/secretsRevision"),
        ("evaluation", "reports/deploymentAnnotations/a", True, "/reports/deploymentAnnotations/a"),
        ("evaluation", "global/moreTenants", ["kasuga", "kasuga"], "/global/moreTenants"),
        ("evaluation", "global/moreTenants", ["fukuoka"], "global.moreTenants: fukuoka is there twice"),
        ("evaluation", "global/networkPolicy/database/cidrs", ["10.0.0.5"], "/global/networkPolicy/database/cidrs"),
        (
            "evaluation",
            "global/networkPolicy/kafka",
            {"cidrs": ["10.0.0.0/8"], "except": ["10.9.0.0/16"]},
            "/global/networkPolicy/kafka/cidrs",
        ),
        ("evaluation", "global/entrance/kind", "gateway", "/global/entrance"),
        (
            "evaluation",
            "identity/autoscaling/kind",
            "keda",
            "identity.autoscaling.kind: keda scales by what a pod consumes",
        ),
        ("outside", "global/database", None, "'database'"),
        ("outside", "global/database/existingSecret", "", "/global/database/existingSecret"),
        ("outside", "global/kafka/bootstrapServers", None, "'bootstrapServers'"),
        ("outside", "global/kafka/existingSecret", None, "'existingSecret'"),
        ("relay", "global/kafka/existingSecret", "", "/global/kafka/existingSecret"),
        ("outside", "global/objectStore", None, "'objectStore'"),
        ("outside", "global/publicUrl", "", "/global/publicUrl"),
        (
            "outside",
            "global/publicUrl",
            "https://machi.city.example/chat/",
            "global.publicUrl: nothing leads to /chat/ below machi.city.example: take the path away",
        ),
        (
            "operators",
            "global/publicUrl",
            "https://city.example:8443",
            "global.publicUrl: city.example is not global.entrance.host, machi.city.example: give both the same host",
        ),
        ("outside", "channel-line/secret", None, "'secret'"),
        ("outside", "channel-line/settings/LINE_BOT_USER_ID", None, "'LINE_BOT_USER_ID'"),
        ("outside", "channel-line/settings/LINE_BOT_USER_ID", "", "/channel-line/settings/LINE_BOT_USER_ID"),
        ("outside", "channel-slack/settings/SLACK_TEAM_ID", None, "'SLACK_TEAM_ID'"),
        ("operators", "global/entrance/tlsSecret", "", "global.entrance.tlsSecret"),
    ],
)
def test_a_wrong_value_is_named(name: str, path: str, value: object, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        render(_but(name, path, value))
    assert words in str(refused.value)


def test_an_entrance_that_the_city_makes_itself_may_have_a_path_and_a_slash_is_none() -> None:
    for name, url in (("relay", "https://city.example/machi"), ("outside", "https://Machi.city.example:443/")):
        assert url in render(_but(name, "global/publicUrl", url)).text


def _described(schema: dict[str, Any], where: str) -> Iterator[str]:
    for name, each in schema.get("properties", {}).items():
        found = {**SCHEMA["$defs"].get(each.get("$ref", "").rpartition("/")[2], {}), **each}
        if not found.get("description") and "$ref" not in each:
            yield f"{where}/{name}"
        yield from _described(each, f"{where}/{name}")


def test_every_key_is_described_and_the_rest_refused() -> None:
    assert list(_described(SCHEMA, "")) == []
    for name in ("pod", "global", "image", "place"):
        assert list(_described(SCHEMA["$defs"][name], name)) == []
        assert SCHEMA["$defs"][name]["additionalProperties"] is False


def _defaults(schema: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, each in schema["properties"].items():
        if "default" in each:
            made[name] = each["default"]
        elif "properties" in each:
            made[name] = _defaults(each)
    return made


@pytest.mark.parametrize(("define", "kind"), [("defaults", "pod"), ("global", "global")])
def test_the_defaults_are_those_the_schema_tells(define: str, kind: str) -> None:
    text = (CHARTS / "machi-service" / "templates" / "_defaults.tpl").read_text(encoding="utf-8")
    block = text.partition(f'"machi-service.{define}" -}}}}')[2].partition("{{- end")[0]
    there = yaml.safe_load(block)
    told = _defaults(SCHEMA["$defs"][kind])
    if kind == "pod":
        there = {**there, "evaluation": told["evaluation"]}
        told |= {"image": {"repository": "", "tag": ""}}
    assert there == told


def test_a_thin_chart_is_thin() -> None:
    for path in CHARTS.glob("*/values.yaml"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path


def test_a_chart_without_a_manifest_says_so(tmp_path: Path) -> None:
    chart = tmp_path / "idea-box"
    (chart / "templates").mkdir(parents=True)
    (chart / "charts").mkdir()
    (chart / "charts" / "machi-service").symlink_to(CHARTS / "machi-service")
    for name in ("Chart.yaml", "values.yaml", "templates/pod.yaml"):
        (chart / name).write_bytes((CHARTS / "idea-box" / name).read_bytes())
    with pytest.raises(RefusedError, match=r"chart idea-box has no service.yaml beside its Chart.yaml"):
        render({}, chart)
