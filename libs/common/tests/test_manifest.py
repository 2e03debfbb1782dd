"""The pod's passport: its schema, its hash, and what a wrong one is told."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import machi_sdk.manifest
from machi_sdk.errors import Invalid
from machi_sdk.manifest import Manifest, load_manifest, parse_manifest, schema_text

ROOT = Path(__file__).parents[3]
SERVICES = sorted(ROOT.glob("services/*/service.yaml"))
SMALLEST = "name: toy\nversion: 0.1.0\nowner: sdk\n"
LONG_TITLE = SMALLEST + "dialogues: [{command: x, titles: {ja: x, en: 'Report a broken lamp '}}]"


def test_the_committed_schema_is_the_models() -> None:
    committed = Path(machi_sdk.manifest.__file__).with_name("manifest.schema.json")
    assert committed.read_text(encoding="utf-8") == schema_text(), "make gen"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.parent.name)
def test_every_service_fits_the_schema_and_keeps_its_hash_on_the_way(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), json.loads(schema_text()))
    manifest = load_manifest(path)
    assert parse_manifest(manifest.canonical_json) == manifest
    assert parse_manifest(manifest.canonical_json).hash == manifest.hash


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("name: Toy\nversion: '1'\nowner: x", "name"),
        ("version: '1'\nowner: x", "name"),
        ("name: operator\nversion: '1'\nowner: x", "'operator' would speak with the operator's token"),
        ("name: toy\nversion: 0.1\nowner: x", "version"),
        (SMALLEST + "servs: []", "servs"),
        (SMALLEST + "calls: [{pod: identity, services: []}]", "calls.0.services"),
        (SMALLEST + "dialogues: [{command: x, role: boss, titles: {ja: x}}]", "dialogues.0.role"),
        (SMALLEST + "purposes: [{purpose: x, version: 0, data: [], title: {}, benefit: {}, text: {}}]", "version"),
        (SMALLEST + "consumes: [{topic: x, group: other.x}]", "group 'other.x' has to begin with 'toy.'"),
        (SMALLEST + "serves: [{service: x}, {service: x}]", "service 'x' is there twice"),
        (SMALLEST + "dialogues: [{command: x, titles: {}}, {command: x, titles: {}}]", "dialogue 'x' is there twice"),
        (SMALLEST + "dialogues: [{command: x, titles: {}, argument: '('}]", "dialogues.0.argument"),
        (SMALLEST + "dialogues: [{command: x, titles: {}, within: '(?i)a'}]", "dialogues.0.within"),
        (LONG_TITLE, "dialogues.0.titles: Value error, en: 'Report a broken lamp ' has 21 characters, at most 20"),
        ("name: [", "line 2"),
        ("- a list", "the file"),
        ("", "the file"),
        ("{no json", "column"),
    ],
)
def test_a_wrong_manifest_is_told_where(wrong: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_manifest(wrong)
    assert told in refused.value.message


def test_the_schema_refuses_the_operators_name_too() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "operator", "version": "1", "owner": "x"}, json.loads(schema_text()))


def test_the_schema_refuses_a_long_title_and_takes_one_that_just_fits() -> None:
    long, schema = yaml.safe_load(LONG_TITLE), json.loads(schema_text())
    with pytest.raises(jsonschema.ValidationError, match="too long"):
        jsonschema.validate(long, schema)
    long["dialogues"][0]["titles"]["en"] = "Report a broken lamp"
    jsonschema.validate(long, schema)
    assert Manifest.model_validate(long)


def test_an_installed_manifest_of_a_time_without_the_limit_is_read() -> None:
    assert parse_manifest(LONG_TITLE, known_only=True).dialogues[0].titles["ja"] == "x"


def test_the_hash_is_of_the_meaning_not_of_the_writing() -> None:
    written = parse_manifest(SMALLEST)
    other = parse_manifest("# a remark\nowner: sdk\nname: toy\nsummary: ''\nserves: []\nversion: 0.1.0")
    assert written.hash == other.hash
    assert written.hash != parse_manifest(SMALLEST + "summary: more").hash


def test_a_pod_understands_the_installed_manifest_of_a_newer_one() -> None:
    newer = json.dumps({"name": "toy", "version": "2", "owner": "sdk", "hovercraft": [], "serves": [{"service": "x"}]})
    with pytest.raises(Invalid):
        parse_manifest(newer)
    assert parse_manifest(newer, known_only=True).answers("x") is not None


def test_calls_name_pods_and_services() -> None:
    manifest = Manifest.model_validate(
        {
            "name": "toy",
            "version": "1",
            "owner": "sdk",
            "calls": [{"pod": "identity", "services": ["a.A"]}, {"pod": "*", "services": ["b.B"]}],
        }
    )
    assert manifest.may_call("identity", "a.A")
    assert manifest.may_call("anybody", "b.B")
    assert not manifest.may_call("reports", "a.A")
    assert not manifest.may_call("identity", "c.C")
