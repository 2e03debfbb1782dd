"""What an operator of a release is told when kubectl, the namespace, a replica, or a right is missing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from machi_tools import cli
from machi_tools.cluster.kubectl import Kubectl
from machi_tools.cluster.release import Release
from machi_tools.diagnosis.release import diagnose_release
from machi_tools.errors import StackError
from machi_tools.operator import asked
from machi_tools.places import ask_registry, hops_of
from machi_tools.stack import city
from machi_tools.stack.readiness import Answer

Says = Callable[[Mapping[str, tuple[int, str, str]]], Release]
TRACE = "0" * 32
MARK = (0, json.dumps({"data": {"release": "machi"}}), "")
FILES = {"data": {"manifest.reports.yaml": "", "manifest.identity.yaml": "", "topic.a.yaml": "name: machi.a.v1"}}
METRICS = 'machi_parked_total{consumer="a"} 2.0\n'


def pod(name: str, state: Mapping[str, object], phase: str = "Running", **metadata: str) -> dict[str, object]:
    return {
        "metadata": {"name": f"machi-{name}-x", "labels": {"app.kubernetes.io/name": name}, **metadata},
        "spec": {"containers": [{"name": "pod", "env": [{"name": "MACHI_DEFAULT_TENANT", "value": "fukuoka"}]}]},
        "status": {"phase": phase, "containerStatuses": [{"ready": True, "restartCount": 3, "state": state}]},
    }


RUNS: dict[str, object] = {"running": {"startedAt": "2026-04-01T00:00:00Z"}}
CRASHES = {"waiting": {"reason": "CrashLoopBackOff"}}


def listed(*pods: dict[str, object]) -> tuple[int, str, str]:
    return 0, json.dumps({"items": pods}), ""


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """Makes a kubectl that says these things: by the beginning of its words, how it ends and what it prints."""

    def make(answers: Mapping[str, tuple[int, str, str]]) -> Release:
        lines = ["#!/bin/sh", "shift 2", 'case "$*" in']
        for number, (beginning, (code, out, err)) in enumerate(answers.items()):
            (tmp_path / f"{number}.out").write_text(out)
            (tmp_path / f"{number}.err").write_text(err)
            place = tmp_path / str(number)
            lines.append(f'"{beginning}"*) cat {place}.out; cat {place}.err >&2; exit {code};;')
        program = tmp_path / "kubectl"
        program.write_text("\n".join([*lines, "*) echo 'error: what?' >&2; exit 1;;", "esac", ""]))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return Release(Kubectl("city"))

    return make


async def test_without_kubectl_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="kubectl is not on the PATH"):
        await Release(Kubectl("city")).pods()


@pytest.mark.parametrize(
    ("answer", "what", "cure"),
    [
        ((0, "", ""), "there is no city in namespace city", "kubectl get configmap -A"),
        ((1, "", "The connection to the server localhost:8080 was refused\n"), "was refused", "current-context"),
        ((1, "", 'error: context "x" does not exist\n'), "does not exist", "point kubectl at the cluster"),
        ((1, "", "error: You must be logged in to the server (Unauthorized)\n"), "logged in", "sign in"),
        ((1, "", 'Error from server (Forbidden): configmaps "machi" is forbidden\n'), "forbidden", "operators.md"),
        ((1, "", "error: something else\n"), "kubectl get configmap: error: something else", "get pods,events"),
    ],
)
async def test_where_no_city_is_seen_the_reason_is_a_line(
    says: Says, answer: tuple[int, str, str], what: str, cure: str
) -> None:
    with pytest.raises(StackError) as told:
        await says({"get configmap machi ": answer}).pods()
    assert what in told.value.what
    assert cure in told.value.cure
    assert "\n" not in told.value.what + told.value.cure


@pytest.mark.parametrize(
    ("answer", "what", "cure"),
    [
        (
            (1, "", "error: cannot exec into a container in a completed pod\n"),
            "does not answer `hops`",
            "get pods,events",
        ),
        (
            (2, "", "Verbs: ...\ncommand terminated with exit code 2\n"),
            "does not know `hops`",
            "of the release's version",
        ),
        (
            (3, "", "OSError: refused\ncommand terminated with exit code 3\n"),
            "`hops`: OSError: refused",
            "network policy",
        ),
        ((1, "", 'Error from server (Forbidden): pods "machi-reports-x" is forbidden\n'), "Forbidden", "operators.md"),
    ],
)
async def test_a_replica_that_cannot_be_asked_is_named_and_the_others_answer(
    says: Says, answer: tuple[int, str, str], what: str, cure: str
) -> None:
    hop = json.dumps({"at": "2026-04-01T00:00:00Z", "name": "resolved", "detail": {"channel": "line"}})
    release = says(
        {
            "get configmap machi ": MARK,
            "get configmap machi-files": (0, json.dumps(FILES), ""),
            "get pods": listed(pod("identity", RUNS), pod("reports", RUNS), pod("old", RUNS, deletionTimestamp="now")),
            "exec machi-identity-x": (0, hop + "\n", ""),
            "exec machi-reports-x": answer,
        }
    )
    hops, [silent] = await hops_of(release, TRACE)
    assert [(passed.pod, passed.name, passed.detail) for passed in hops] == [
        ("identity", "resolved", {"channel": "line"})
    ]
    assert what in silent.what
    assert cure in silent.cure


async def test_the_doctor_names_what_does_not_run_and_calls_no_topic_missing_that_it_may_not_see(says: Says) -> None:
    pages = {"livez": Answer(200, "ok"), "readyz": Answer(503, "broker"), "metrics": Answer(200, METRICS)}
    said = {
        **{page: {"status": answer.status, "words": answer.words} for page, answer in pages.items()},
        "token_seconds": {"reports": -5.0, "notifications": 600.0},
        "database_ahead_seconds": 30.0,
        "topics": [],
        "troubles": {"Kafka": "KafkaConnectionError: away"},
    }
    release = says(
        {
            "get configmap machi ": MARK,
            "get configmap machi-files": (0, json.dumps({"data": {**FILES["data"], "manifest.chat.yaml": ""}}), ""),
            "get pods": listed(pod("identity", RUNS), pod("reports", CRASHES)),
            "exec machi-identity-x": (0, json.dumps(said) + "\n", ""),
        }
    )
    report = await diagnose_release(release)
    assert [finding["what"] for finding in report["findings"]] == [
        "machi-identity-x is not ready: broker",
        "machi-identity-x has 2 parked records",
        "machi-identity-x's token for reports expired 5 s ago",
        "machi-identity-x does not reach Kafka: KafkaConnectionError: away",
        "machi-reports-x does not run: CrashLoopBackOff",
        "the database's clock is 30 s ahead of the pods'",
        "chat has no replica",
    ]
    assert "topics that only chat, identity, reports may see were not looked at" in report["notes"]
    assert report["topics"]["missing"] == []
    assert [(each["name"], each["ready"], each["restarts"]) for each in report["pods"]] == [
        ("machi-identity-x", False, 3),
        ("machi-reports-x", False, 3),
    ]


def looking(metrics: str = METRICS, **more: object) -> tuple[int, str, str]:
    """A replica that is well answers `look`."""
    pages = {page: {"status": 200, "words": metrics} for page in ("livez", "readyz", "metrics")}
    empty = {"token_seconds": {}, "database_ahead_seconds": 0.0, "topics": [], "troubles": {}}
    return 0, json.dumps({**pages, **empty, **more}) + "\n", ""


@pytest.mark.parametrize(
    ("off", "refused", "found"),
    [
        (2, {}, "machi-channel-line-x leaves 2 channels off: it started with older files"),
        (1, {"kobe/line.yaml": "w"}, "machi-channel-line-x leaves the channel of kobe/line.yaml off: w"),
        (0, {"kobe/line.yaml": "w"}, "machi-channel-line-x will leave the channel of kobe/line.yaml off: w"),
    ],
)
async def test_channels_are_judged_by_what_the_running_pod_has(
    says: Says, off: int, refused: dict[str, str], found: str
) -> None:
    release = says(
        {
            "get configmap machi ": MARK,
            "get configmap machi-files": (0, json.dumps({"data": {"manifest.channel-line.yaml": ""}}), ""),
            "get pods": listed(pod("channel-line", RUNS)),
            "exec machi-channel-line-x": looking(f"machi_channels_off {off}.0\n", channels_off=refused),
        }
    )
    assert [finding["what"] for finding in (await diagnose_release(release))["findings"]] == [found]


async def test_a_municipality_that_no_pod_has_a_channel_of_is_told(says: Says) -> None:
    names = {"data": {"manifest.channel-line.yaml": "", "manifest.channel-slack.yaml": ""}}
    release = says(
        {
            "get configmap machi ": MARK,
            "get configmap machi-files": (0, json.dumps(names), ""),
            "get pods": listed(pod("channel-line", RUNS), pod("channel-slack", RUNS)),
            "exec machi-channel-line-x": looking("", tenants_without_channel=["kobe", "naha"]),
            "exec machi-channel-slack-x": looking("", tenants_without_channel=["naha", "otaru"]),
        }
    )
    [finding] = (await diagnose_release(release))["findings"]
    assert finding["what"] == "no channel of naha is known to any pod"
    assert "naha.slack.yaml" in finding["cure"]


def test_a_pod_that_cannot_be_forwarded_to_or_does_not_run_is_not_waited_for(says: Says) -> None:
    seen = {"get configmap machi ": MARK, "get configmap machi-files": (0, json.dumps(FILES), "")}
    forbidden = (1, "", 'error: error upgrading connection: pods "machi-identity-x" is forbidden\n')
    release = says({**seen, "get pods": listed(pod("identity", RUNS)), "port-forward": forbidden})
    with pytest.raises(StackError, match=r"port-forward to machi-identity-x: .*forbidden"):
        asked(ask_registry(release, city.list_tenants))
    release = says({**seen, "get pods": listed(pod("identity", CRASHES, "Pending"))})
    with pytest.raises(StackError, match="machi-identity-x does not run: CrashLoopBackOff"):
        asked(ask_registry(release, city.list_tenants))


@pytest.mark.parametrize("words", [["up"], ["seed"], ["pods", "install"]])
def test_what_is_helms_is_not_done_to_a_release(words: list[str]) -> None:
    cli._add_operators_verbs()
    done = CliRunner().invoke(cli.app, ["-n", "city", *words])
    assert isinstance(done.exception, StackError)
