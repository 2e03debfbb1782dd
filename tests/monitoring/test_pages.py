"""Runbooks and guides: a page for each alert, commands that exist, YAML that is what it says."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from itertools import dropwhile
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml

from machi_channel_line.ports import MONTHLY_LIMIT, NO_PUSHES
from machi_channel_line.use_cases.send_answer import PUSH_PATIENCE
from machi_sdk import operating
from machi_tools import cli
from machi_tools.diagnosis.slack import REFUSALS
from machi_tools.images.catalogue import catalogue
from tests.architecture.house import ROOT, Service, calls, in_the_stack, literal, services
from tests.monitoring.promises import CHART, RUNBOOKS, alerts

GUIDES = ROOT / "docs" / "guides"
PAGES = sorted([*RUNBOOKS.glob("*.md"), *GUIDES.glob("*.md")])
SECTIONS = ["For residents", "Look first", "Cure", "When to escalate"]
FENCE = re.compile(r"^ *```(?P<kind>\w+)\n(?P<body>.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:kubectl|helm|machi|make|python) [^`]+)`")
# What a municipality's people have anyway.
TOOLS = {"cd", "psql", "pg_dump", "pg_restore", "kafka-consumer-groups.sh", "export", "for", "done"}
TOOLS |= {"docker", "oc", "umask", "podman", "sha256sum", "tar"}
KUBECTL = {"annotate", "apply", "create", "delete", "describe", "exec", "get", "logs", "patch", "port-forward"}
KUBECTL |= {"rollout", "scale", "top"}
# How many words each takes; none where prose merely names the verb.
HELM = {"history": 1, "install": 2, "package": 1, "push": 2, "rollback": 1, "show": 2, "test": 1, "uninstall": 1}
HELM |= {"upgrade": 2}
# What the charts make beside pods: secrets, jobs, and servers.
MADE = {
    "keys",
    "database",
    "channels",
    "trust",
    "operator",
    "db",
    "db-1",
    "db-rw",
    "db-reports",
    "simulator",
    "postgres",
    "kafka",
}
SCHEMA = CHART / "values.schema.json"
SET_ONCE = ("NS", "RELEASE", "POD")
READ_OFF = ("ID", "REPLICA", "DATABASE_URL")
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


def fences(page: Path, kind: str) -> list[str]:
    """The blocks of one kind on a page."""
    return [match["body"] for match in FENCE.finditer(page.read_text(encoding="utf-8")) if match["kind"] == kind]


def rows(text: str) -> str:
    """The tables of a page, without its prose."""
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


def commands(page: Path) -> Iterator[str]:
    """Every command of a page, in blocks and in lines."""
    for body in fences(page, "sh"):
        yield from (line.strip() for line in body.replace("\\\n", " ").splitlines() if line.strip())
    yield from INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


@cache
def machi_verbs() -> set[str]:
    """Each `machi` command, of groups as `group verb`."""
    cli._add_operators_verbs()
    groups = {group.name: group.typer_instance for group in cli.app.registered_groups if group.typer_instance}
    inner = {f"{name} {verb}" for name, group in groups.items() for verb in _verbs(group)}
    return _verbs(cli.app) | inner


def _verbs(of: typer.Typer) -> set[str]:
    return {each.name or each.callback.__name__ for each in of.registered_commands if each.callback}


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def plain(words: list[str]) -> list[str]:
    """Words without options and their values of the form `-n NAME`."""
    kept, skip = [], False
    for word in words:
        if not skip and not word.startswith("-"):
            kept.append(word)
        skip = word in ("-n", "-l", "-f", "-c", "-p", "--set", "--timeout")
    return kept


def judged(command: str) -> str | None:
    """What is wrong with a command, or None."""
    words = list(dropwhile(re.compile(r"[A-Z_]+=").match, shlex.split(command, comments=True)))
    outer, _, inner = (list(part) for part in _split(words))
    tool, verb = outer[0], (plain(outer[1:]) or [""])[0]
    known = {"kubectl": KUBECTL, "helm": HELM, "make": targets()}
    if tool == "machi":
        verbs = machi_verbs()
        return None if " ".join(plain(outer[1:])[:2]) in verbs or verb in verbs else f"no `machi {verb}`"
    if tool == "python" or inner[:2] == ["python", "-m"]:
        return _module((inner or outer)[2:])
    if tool == "kind":  # it takes images from docker alone, archives from every engine
        return None if plain(outer)[1:3] == ["load", "image-archive"] else "podman and buildah could not do that"
    if tool == "helm" and verb in HELM and len(plain(outer)) - 2 not in (0, HELM[verb]):
        return f"`helm {verb}` takes {HELM[verb]} words"
    return None if tool in TOOLS or verb in known.get(tool, ()) else f"what is `{tool} {verb}`?"


def _split(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    if "--" not in words:
        return words, [], []
    at = words.index("--")
    return words[:at], ["--"], words[at + 1 :]


def _module(words: list[str]) -> str | None:
    if words[0] != "machi_sdk.operating":
        return f"no verbs of {words[0]} are known"
    return None if words[1] in {"ready", *operating.VERBS} else f"no verb {words[1]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_exist(page: Path) -> None:
    pods = {service.name for service in services()} | {"$POD"}
    wrong = [f"{command}: {why}" for command in commands(page) if (why := judged(command))]
    named = re.findall(r"\$RELEASE-(\$POD|[a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"))
    assert not wrong
    assert set(named) <= pods | MADE


def test_a_command_that_does_not_exist_is_found() -> None:
    wrong = [
        "machi mend",
        "make wonders",
        "helm -n $NS upgrade $RELEASE --timeout 5m",
        "kubectl repair pod",
        "kubectl exec x -- python -m machi_sdk.operating heal",
    ]
    assert all(judged(each) for each in [*wrong, "kubefix now", "kind load docker-image localhost/machi/reports:0.1.0"])


@pytest.mark.parametrize("name", sorted(alerts()))
def test_each_alert_has_a_page_with_all_parts(name: str) -> None:
    page = RUNBOOKS / f"{name}.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {name}"
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS
    assert f"*{alerts()[name]['labels']['severity']}*" in lines[2]
    assert f"({name}.md)" in (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert fences(page, "sh"), "where does one look?"


def test_each_page_of_an_alert_has_its_alert() -> None:
    assert {page.stem for page in RUNBOOKS.glob("Machi*.md")} == set(alerts())


def documents() -> Iterator[tuple[str, object]]:
    """Every YAML document of the guides and of the examples in deploy, by place."""
    for page in PAGES:
        for body in fences(page, "yaml"):
            yield from ((page.name, each) for each in yaml.safe_load_all(body))
    for path in sorted([*(ROOT / "deploy" / "gitops").glob("*.yaml"), *(ROOT / "deploy" / "otel").glob("*.yaml")]):
        yield from ((path.name, each) for each in yaml.safe_load_all(path.read_text(encoding="utf-8")))


def test_resources_have_the_parts_that_make_one() -> None:
    kinds = set()
    for place, document in documents():
        assert isinstance(document, dict), place
        if "kind" in document:
            kinds.add(document["kind"])
            body = "rules" if document["kind"] == "Role" else "spec"
            assert {"apiVersion", "kind", "metadata", body} <= document.keys(), place
            assert document["metadata"]["name"], place
    assert kinds == {"Application", "HelmRelease", "OCIRepository", "OpenTelemetryCollector", "Role", "ScheduledBackup"}


def test_gitops_examples_name_the_chart_and_one_release() -> None:
    found = {
        document["kind"]: document for _, document in documents() if isinstance(document, dict) and "kind" in document
    }
    [chart, values] = found["Application"]["spec"]["sources"]
    assert (ROOT / chart["path"]).is_dir()
    assert [name.partition("/")[0] for name in chart["helm"]["valueFiles"]] == [f"${values['ref']}"]
    repository = found["OCIRepository"]
    assert found["HelmRelease"]["spec"]["chartRef"] == {"kind": "OCIRepository", "name": repository["metadata"]["name"]}
    assert f"v{repository['spec']['ref']['tag']}" == chart["targetRevision"]


def test_values_in_the_guides_are_values_of_the_chart() -> None:
    examples = [each for _, each in documents() if isinstance(each, dict) and "global" in each]
    assert len(examples) >= 3
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = [error.message for each in examples for error in jsonschema.Draft202012Validator(schema).iter_errors(each)]
    assert not errors


def test_a_restore_stops_what_scales_by_itself_and_starts_it_again() -> None:
    said = list(commands(GUIDES / "backup.md"))
    told = [each for each in said if "scaledobject" in each]
    scaled = [each for each in said if " scale deploy/" in each]
    [upgrade] = [each for each in said if each.startswith("helm upgrade $RELEASE")]  # not the one of a trial restore
    assert [each.rpartition("/")[2] for each in told] == ["paused-replicas=0", "paused-replicas-"]
    stopped = [each for each in scaled if each.endswith("--replicas=0")]
    started = [each for each in scaled if each not in stopped]
    order = [said.index(each) for each in (told[0], *stopped, upgrade, told[1], *started)]
    assert order == sorted(order)
    assert started
    assert "--wait" not in upgrade  # a pod that is still at 0 would be waited for


@pytest.mark.parametrize("reason", [MONTHLY_LIMIT, NO_PUSHES])
def test_answers_that_are_given_up_are_told(reason: str) -> None:
    page = (RUNBOOKS / "waiting.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{reason}` |"))
    assert timedelta(minutes=3) == PUSH_PATIENCE
    assert "given up after three minutes" in row


def test_a_token_that_will_never_do_is_told_alike_by_doctor_alert_and_page() -> None:
    page = (RUNBOOKS / "waiting.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "`invalid_auth`" in line)
    [rung] = re.findall(r"slack-\(([a-z|-]+)\)", alerts()["MachiPlatformRefusesUs"]["expr"])
    assert set(re.findall(r"`(\w+)`", row)) == REFUSALS
    assert {word.replace("-", "_") for word in rung.split("|")} == {*REFUSALS, "missing_scope"}


def test_alerts_are_counted() -> None:
    told = re.search(r"(\d+) alerts and the recorded promises", (GUIDES / "seeing.md").read_text(encoding="utf-8"))
    assert told
    assert int(told[1]) == len(alerts())


def _kept_for_ever(service: Service) -> set[str]:
    """The tables of a pod from which no statement of its own or of the SDK deletes."""
    migrations = sorted((service.folder / "migrations" / "versions").glob("*.py"))
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in migrations]
    made = {literal(call.args[0], {}) or "" for tree in trees for call in calls(tree, "create_table") if call.args}
    said = "".join(source.text for source in service.sources)
    return {table for table in made if not re.search(rf"DELETE FROM {table}\b|forget\([^)]*\"{table}\"", said)}


def test_sizing_names_every_table_that_only_grows() -> None:
    guide = (GUIDES / "sizing.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+)`", guide.partition("### What grows")[2].partition("\n## ")[0]))
    measured = [service for service in in_the_stack() if f"| {service.name} |" in guide]
    grows = set[str]().union(*(_kept_for_ever(service) for service in measured))
    assert {"catalogues", "cards", "digests"} <= grows
    assert grows <= told


def test_sizing_tells_what_was_measured_last() -> None:
    """Tables of the evidence hold the latest figures, its prose the earlier ones, too."""
    guide = (GUIDES / "sizing.md").read_text(encoding="utf-8")
    evidence = (ROOT / "docs" / "evidence" / "performance.md").read_text(encoding="utf-8")
    told = re.findall(rf"{NUMBER}(?= (?:MB|ms|s|a second)\b)", rows(guide.partition("## Replicas")[0]))
    assert len(told) >= 15
    assert set(told) <= set(re.findall(NUMBER, rows(evidence)))


def test_each_name_in_a_command_is_set() -> None:
    """By the first lines of the guides and runbooks, by the page itself, or read off what a command said."""
    for page in PAGES:
        said = "".join(fences(page, "sh"))
        own = re.findall(r"(?:export|for) (\w+)(?:=| in )", said)
        assert set(re.findall(r"\$(\w+)", said)) <= {*SET_ONCE, *READ_OFF, *own}, page.name
    for first in (GUIDES, RUNBOOKS):
        text = (first / "README.md").read_text(encoding="utf-8")
        assert all(f"{name}=" in text for name in SET_ONCE)


def test_images_in_the_guides_are_made() -> None:
    loops = [
        names for page in PAGES for names in re.findall(r"for image in ([^;]+);", page.read_text(encoding="utf-8"))
    ]
    assert len(loops) == 2
    assert {name for names in loops for name in names.split()} <= {image.name for image in catalogue(ROOT)}


def test_versions_in_the_guides_are_the_releases() -> None:
    release = tomllib.loads((ROOT / "libs" / "common" / "pyproject.toml").read_text(encoding="utf-8"))
    named = [re.findall(r"(?:VERSION=|>:|machi-)(\d+\.\d+\.\d+)", page.read_text(encoding="utf-8")) for page in PAGES]
    found = [version for each in named for version in each]
    assert len(found) >= 3
    assert set(found) == {release["project"]["version"]}


def test_the_collectors_pipelines_name_what_is_there() -> None:
    read = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "deploy/otel").glob("*.yaml")
    }
    config = read["collector"]
    for parts in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(parts[kind]) <= config[kind].keys()
    assert set(config["service"]["extensions"]) <= config["extensions"].keys()
    assert read["opentelemetry-collector"]["spec"]["config"] == config
