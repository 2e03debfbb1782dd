"""Alert rules and boards: valid to Prometheus, of metrics that exist, each alert seen firing and silent."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from machi_sdk.telemetry.metrics import BUCKETS
from tests.monitoring.promises import RULES, alerts, asked, queries, registry, rules
from tests.monitoring.promtool import NotThere, program

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
RECORDED = {rule["record"] for _, rule in rules() if "record" in rule}


@pytest.fixture(scope="module")
def tool() -> Path:
    try:
        return program("promtool")
    except NotThere as error:
        pytest.skip(str(error))


def run(tool: Path, *words: str | Path) -> str:
    """What promtool says; nothing when it is content."""
    done = subprocess.run([tool, *map(str, words)], capture_output=True, text=True, check=False, timeout=100)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_prometheus_takes_the_rules(tool: Path) -> None:
    assert len(RULES) >= 5
    assert run(tool, "check", "rules", *RULES) == ""


def test_each_alert_fires_when_it_should_and_only_then(tool: Path) -> None:
    assert run(tool, "test", "rules", *CASES) == ""


def test_a_rule_that_never_fires_is_found(tool: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parent / "cases" / "pods.yaml").read_text(encoding="utf-8")
    rule = next(path for path in RULES if path.name == "pods.yaml")
    (tmp_path / "rules.yaml").write_text(rule.read_text(encoding="utf-8").replace("== 1", "== 2"), encoding="utf-8")
    case = tmp_path / "case.yaml"
    case.write_text(re.sub(r"rule_files: .*", "rule_files: [rules.yaml]", text), encoding="utf-8")
    assert "MachiPodNotReady" in run(tool, "test", "rules", case)


def checks() -> Iterator[tuple[str, bool]]:
    """Alert and whether it is expected, for every place of the cases that names one."""
    for path in CASES:
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for check in case["promql_expr_test"]:
                named = re.findall(r'alertname="(\w+)"', check["expr"])
                fired = re.findall(r'alertname="(\w+)"', str(check.get("exp_samples", "")))
                yield from ((name, True) for name in fired)
                yield from ((name, False) for name in named if name not in fired)


def test_each_alert_has_a_case_of_both_kinds() -> None:
    seen = set(checks())
    assert not [(name, kind) for name in alerts() for kind in (True, False) if (name, kind) not in seen]


def test_each_alert_says_how_bad_it_is_and_what_it_means() -> None:
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}, name
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md", name


def test_each_series_asked_for_is_declared_with_these_labels() -> None:
    wrong = []
    for series in asked():
        if series.name in RECORDED:
            known = {"slo", "namespace", "machi_release", "job"}
        elif series.metric in registry():
            known = registry()[series.metric][1] | {"namespace", "machi_release", "job", "pod", "le"}
        else:
            known = set()
        if series.labels - known or not known:
            wrong.append(f"{series.place}: {series.name} {series.labels - known}")
    assert asked()
    assert not wrong


def test_counters_and_histograms_are_asked_for_by_their_series() -> None:
    ends = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}
    wrong = [
        f"{series.place}: {series.name}"
        for series in asked()
        if series.metric in registry() and not series.name.endswith(ends[registry()[series.metric][0]])
    ]
    assert not wrong


def test_rules_can_be_narrowed_to_one_release() -> None:
    """The chart puts its own release where every selector says `machi_release=~".+"`."""
    from_rules = [series for series in asked() if not series.place.partition(":")[0].endswith(".json")]
    assert [series.place for series in from_rules if 'machi_release=~".+"' not in series.matchers] == []


def test_what_manifests_promise_can_be_measured() -> None:
    limits = {
        float(limit) for _, rule in rules() for limit in re.findall(r'le="([\d.]+)"', rule["expr"]) if "record" in rule
    }
    assert limits
    assert limits <= set(BUCKETS), "a promise between two buckets cannot be judged"


def test_failures_are_counted_by_the_interval_at_which_they_are_recorded() -> None:
    [recorded] = [path for path in RULES if path.name == "slo.yaml"]
    [judging] = [path for path in RULES if path.name == "slo-alerts.yaml"]
    seconds = set(re.findall(r"\]\) \* (\d+) >= 5", judging.read_text(encoding="utf-8")))
    assert {f"{each}s" for each in seconds} == {
        yaml.safe_load(recorded.read_text(encoding="utf-8"))["groups"][0]["interval"]
    }


def test_every_query_of_a_board_is_promql(tool: Path, tmp_path: Path) -> None:
    made = []
    for number, (_, query) in enumerate(queries()):
        plain = query.replace("$__rate_interval", "5m").replace("$release", ".+")
        made.append({"record": f"panel:query:{number}", "expr": plain})
    assert len(made) > 20
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": made}]}), encoding="utf-8")
    assert run(tool, "check", "rules", path) == ""
