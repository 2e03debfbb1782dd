"""Charts render for every city of the matrix, twice the same, and what they render is strictly valid."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from machi_tools.errors import StackError
from machi_tools.growing import checked
from machi_tools.stack.layout import ROOT
from tests.architecture.house import in_the_stack
from tests.charts import schemas
from tests.charts.binaries import program
from tests.charts.cases import CASES
from tests.charts.rendering import CHARTS, Object, Rendered, case, render

every_case = pytest.mark.parametrize("name", CASES)


@pytest.mark.parametrize("chart", ["machi", "machi-service"])
def test_lint(chart: str) -> None:
    done = subprocess.run(
        [program("helm"), "lint", "--strict", str(CHARTS / chart)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@every_case
def test_the_same_twice(name: str) -> None:
    assert render(CASES[name]).text == case(name).text


@every_case
@pytest.mark.parametrize("version", schemas.VERSIONS)
def test_strictly_valid(name: str, version: str) -> None:
    found = {
        f"{each['kind']} {each['metadata']['name']}": wrong
        for each in case(name).objects
        if (wrong := schemas.problems(each, version))
    }
    assert found == {}


def test_the_schemas_refuse() -> None:
    """A checker that refuses nothing would let everything pass."""
    topic = {"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaTopic", "metadata": {}, "spec": {"partition": 3}}
    assert schemas.problems(topic, "1.35")
    deployment = dict(case("evaluation").one("Deployment", "machi-reports"))
    deployment["spec"] = {**deployment["spec"], "replica": 2}
    assert schemas.problems(deployment, "1.35")


@every_case
def test_helm_4_applies_it(name: str) -> None:
    """Server-side apply refuses the same key of a list twice; so does a Service without names of its ports."""
    for where, pod in case(name).pods():
        for container in pod["containers"]:
            for field, key in (("env", "name"), ("ports", "containerPort"), ("volumeMounts", "mountPath")):
                names = [each[key] for each in container.get(field, [])]
                assert len(set(names)) == len(names), (where, field, names)
            values = [each.get("value", "") for each in container.get("env", [])]
            assert all(isinstance(value, str) for value in values), where
    for each in case(name).of("Service"):
        assert all(len(port["name"]) <= 15 for port in each["spec"]["ports"])


@every_case
def test_what_holds_data_outlives_the_release(name: str) -> None:
    """A Kafka that stays without its node pools has no brokers."""
    kinds = ("KafkaTopic", "KafkaNodePool", "Kafka", "Cluster", "PersistentVolumeClaim")
    for each in case(name).of(*kinds):
        kept = each["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
        assert kept == "keep", (each["kind"], each["metadata"]["name"])


@every_case
def test_no_object_twice(name: str) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in case(name).objects]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("stage", [(), ("--is-upgrade",)])
def test_a_migration_waits_for_a_database_that_comes_with_the_release(stage: tuple[str, ...]) -> None:
    """A pod may join in an upgrade, and one may mend a first install: a hook would wait for what comes after it."""
    every = sorted(f"machi-{pod.name}-migration" for pod in in_the_stack())

    def migrations(name: str) -> dict[str, Object]:
        jobs = render(CASES[name], CHARTS / "machi", *stage).of("Job")
        return {each["metadata"]["name"]: each for each in jobs if "-migration" in each["metadata"]["name"]}

    outside = migrations("outside")
    assert sorted(outside) == every
    assert all("helm.sh/hook" in each["metadata"]["annotations"] for each in outside.values())
    for name in ("evaluation", "operators"):
        found = migrations(name)
        assert sorted(each.rpartition("-")[0] for each in found) == every
        for each in found.values():
            assert "annotations" not in each["metadata"]
            (patience,) = each["spec"]["template"]["spec"]["containers"][0]["env"]
            assert patience == {"name": "MACHI_DATABASE_PATIENCE", "value": "300"}


def test_whom_a_database_is_trusted_by_is_known_to_pods_and_their_migrations() -> None:
    made = case("outside")
    file = {"key": "ca.crt", "path": "database-ca.crt"}
    for where, pod in made.pods():
        if "-migration" in where or where.startswith("Deployment"):
            (secrets,) = [each["projected"]["sources"] for each in pod["volumes"] if each["name"] == "secrets"]
            assert {"secret": {"name": "database-ca", "items": [file]}} in secrets, where
    plan = json.loads(made.one("ConfigMap", "machi-prepare")["data"]["plan.json"])
    assert plan["need"]["database-ca"] == ["ca.crt"]


def test_jobs_run_on_the_nodes_that_are_meant_for_them(own_chart: Path) -> None:
    """A migration where its pod may, the city's own Jobs where the operator may."""

    def placing(made: Rendered, *beginnings: str) -> list[object]:
        found = [pod for where, pod in made.pods() if where.startswith(beginnings)]
        return [(each.get("nodeSelector"), each.get("tolerations", [{}])[0].get("key")) for each in found]

    made = case("outside")
    assert placing(made, "Job machi-reports-migration", "Deployment machi-reports") == [({"disk": "fast"}, "city")] * 2
    assert placing(made, "Job machi-identity-migration") == [(None, None)]
    own = placing(made, "Job machi-operator-", "CronJob machi-trust", "Pod machi-canary")
    assert own == [({"disk": "slow"}, "jobs")] * 4
    beside = render({"global": {"release": "machi"}, "nodeSelector": {"disk": "own"}}, own_chart)
    assert placing(beside, "Job machi-") == [({"disk": "own"}, None)] * 3


def test_a_channel_that_is_switched_off_needs_no_secret() -> None:
    def needed(channel: dict[str, object]) -> set[str]:
        made = render({**CASES["outside"], "channel-line": {**CASES["outside"]["channel-line"], **channel}})
        return set(json.loads(made.one("ConfigMap", "machi-prepare")["data"]["plan.json"])["need"])

    assert needed({}) - needed({"enabled": False}) == {"line"}


def test_a_job_that_failed_is_done_anew_by_the_next_upgrade(tmp_path: Path) -> None:
    """Of the same values, too: helm leaves a Job alone that is named as before."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "machi-service").symlink_to(CHARTS / "machi-service")
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: revisions, version: 0.1.0, appVersion: 0.1.0}")
    (tmp_path / "templates" / "job.yaml").write_text(
        """
        {{- range list 1 2 }}
        {{- $root := dict "Chart" $.Chart "Release" (dict "Revision" . "Namespace" "city" "Service" "Helm") }}
        {{- $global := include "machi-service.shared" $ | fromYaml }}
        {{- $pod := dict "root" $root "release" "machi" "global" $global "values" dict "name" "operator" }}
        {{- include "machi-service.job" (merge (dict "job" "apply" "arguments" list) $pod) }}
        {{- end }}
        """
    )
    first, second = render({}, tmp_path).of("Job")
    assert first["spec"] == second["spec"]
    assert first["metadata"]["name"] != second["metadata"]["name"]


@pytest.mark.parametrize(
    ("protocol", "secret", "parameters"),
    [("SSL", "kafka", {"ca"}), ("SSL", "", {"ca"}), ("SASL_SSL", "kafka", {"ca", "username", "password"})],
)
def test_keda_trusts_whom_the_pods_trust(protocol: str, secret: str, parameters: set[str]) -> None:
    values = CASES["outside"]
    kafka = {**values["global"]["kafka"], "securityProtocol": protocol, "existingSecret": secret}
    made = render({**values, "global": {**values["global"], "kafka": kafka}})
    (scaled,) = made.of("ScaledObject")
    spec = made.one("TriggerAuthentication", "machi-notifications")["spec"]
    assert {each["parameter"] for each in [*spec.get("env", []), *spec["secretTargetRef"]]} == parameters
    assert all(each["authenticationRef"] == {"name": "machi-notifications"} for each in scaled["spec"]["triggers"])


def _annotations(values: dict[str, object]) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Of each Deployment and of its pods."""
    found = render(values).of("Deployment")
    pods = [each for each in found if each["metadata"]["labels"]["app.kubernetes.io/component"] == "pod"]
    return {
        each["metadata"]["labels"]["app.kubernetes.io/name"]: (
            each["metadata"].get("annotations", {}),
            each["spec"]["template"]["metadata"]["annotations"],
        )
        for each in pods
    }


def test_another_revision_of_secrets_rolls_those_pods_and_no_others() -> None:
    before = _annotations({"global": {"secretsRevision": "2026-04"}})
    one = _annotations({"global": {"secretsRevision": "2026-04"}, "reports": {"secretsRevision": "leak"}})
    every = _annotations({"global": {"secretsRevision": "2026-05"}})
    assert "machi/secrets-revision" not in _annotations({})["reports"][1]
    assert [pod for pod in before if one[pod] != before[pod]] == ["reports"]
    assert [pod for pod in before if every[pod] != before[pod]] == list(before)


def test_reloader_finds_its_annotation_on_the_deployment_itself() -> None:
    reloader = "reloader.stakater.com/auto"
    shared = {"global": {"deploymentAnnotations": {reloader: "true"}}}
    found = _annotations({**shared, "reports": {"deploymentAnnotations": {reloader: "false", "a/b": "c"}}})
    assert found["identity"][0] == {reloader: "true"}
    assert found["reports"][0] == {reloader: "false", "a/b": "c"}
    assert all(reloader not in pods for _, pods in found.values())
    assert all(own == {} for own, _ in _annotations({}).values())


def test_a_name_that_the_citys_chart_has_is_no_pods() -> None:
    """`machi new service` refuses it: the chart would make an object twice, or read a pod's values as its own."""
    pods = {pod.name for pod in in_the_stack()}
    objects = [each for name in CASES for each in case(name).objects]
    named = {(each["kind"], each["metadata"]["name"].removeprefix("machi-")) for each in objects}
    kinds = {kind for kind, name in named if name in pods}
    keys = json.loads((CHARTS / "machi" / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    taken = {name for kind, name in named if kind in kinds} | set(keys) - pods
    assert {"registry", "closed", "trust", "db", "global", "evaluation"} <= taken
    for name in taken - pods:
        with pytest.raises(StackError, match=r"is (taken|a word of Python)"):
            checked(ROOT, name)


def _boards(telemetry: dict[str, object], *more: str) -> set[tuple[str, str]]:
    """File and uid of each board."""
    made = render({"global": {"telemetry": telemetry}}, CHARTS / "machi", *more)
    found = [each["data"] for each in made.of("ConfigMap") if "-board-" in each["metadata"]["name"]]
    return {(file, json.loads(text)["uid"]) for data in found for file, text in data.items()}


def test_boards_of_two_releases_stand_beside_each_other() -> None:
    monitored: dict[str, object] = {"monitor": "PodMonitor"}
    one, other = _boards(monitored), _boards(monitored, "--namespace", "another")
    assert len(one) == len(other) == 5
    for part in (0, 1):
        assert not {each[part] for each in one} & {each[part] for each in other}
    assert all(len(uid) <= 40 for _, uid in one)  # what Grafana takes


def test_boards_come_with_a_monitor_unless_it_is_said_otherwise() -> None:
    for enabled, monitor, count in ((False, "PodMonitor", 0), (True, "none", 5)):
        assert len(_boards({"monitor": monitor, "boards": {"enabled": enabled}})) == count
    assert _boards({"monitor": "none"}) == set()


def test_the_timeline_is_told_when_spans_go_elsewhere() -> None:
    elsewhere = render({"global": {"telemetry": {"otlpEndpoint": "http://spans:4317"}}})
    for made, told in ((case("evaluation"), None), (elsewhere, "off")):
        pod = made.one("StatefulSet", "machi-simulator")["spec"]["template"]["spec"]
        settings = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
        assert settings.get("SIMULATOR_TRACES") == told


@pytest.fixture
def own_chart(tmp_path: Path) -> Path:
    """The library chart, a manifest, and an image are enough, from any repository."""
    chart = tmp_path / "idea-box"
    (chart / "templates").mkdir(parents=True)
    for name in ("Chart.yaml", "values.yaml", "service.yaml", "templates/pod.yaml"):
        (chart / name).write_bytes((CHARTS / "idea-box" / name).read_bytes())
    (chart / "charts").mkdir()
    (chart / "charts" / "machi-service").symlink_to(CHARTS / "machi-service")
    return chart


def test_a_pod_of_the_citys_own(own_chart: Path) -> None:
    made = render({"global": {"release": "machi"}}, own_chart)
    deployment = made.one("Deployment", "machi-idea-box")
    assert deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/instance"] == "machi"
    commands = [each["spec"]["template"]["spec"]["containers"][0]["command"] for each in made.of("Job")]
    assert ["machi", "release", "apply"] in commands
    assert ["machi", "pods", "uninstall", "idea-box"] in commands
    (migration,) = [each for each in made.of("Job") if "-migration" in each["metadata"]["name"]]
    let_out = case("evaluation").one("NetworkPolicy", "machi-migration")["spec"]["podSelector"]["matchLabels"]
    assert let_out.items() <= migration["spec"]["template"]["metadata"]["labels"].items()
    assert "annotations" not in migration["metadata"], "its database comes with the city"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _images(made: Rendered, name: str) -> set[str]:
    return {pod["containers"][0]["image"] for where, pod in made.pods() if name in where}


def test_a_pod_of_the_citys_own_has_its_version_and_the_operator_the_releases(own_chart: Path) -> None:
    _edit(own_chart / "Chart.yaml", "appVersion: 0.1.0", "appVersion: 7.8.9")
    made = render({"global": {"release": "machi"}}, own_chart)
    release = yaml.safe_load((CHARTS / "machi" / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    assert _images(made, "machi-idea-box") == {"localhost/machi/idea-box:7.8.9"}
    assert _images(made, "machi-operator") == {f"localhost/machi/operator:{release}"}
    given = render({"global": {"release": "machi", "image": {"tag": "1.2.3"}}}, own_chart)
    assert _images(given, "machi-operator") == {"localhost/machi/operator:1.2.3"}


def test_a_long_name_of_a_pod_makes_no_longer_name_of_a_job_than_a_label_takes(own_chart: Path) -> None:
    """A hook's stays the same, so that the next one replaces it; and two pods that begin alike have two."""
    hooks: list[tuple[str, str]] = []
    for name in ("a-pod-with-a-name-of-quite-forty-letters", "a-pod-with-a-name-of-quite-forty-letterz"):
        for file in ("Chart.yaml", "service.yaml"):
            _edit(own_chart / file, "name: idea-box" if not hooks else f"name: {hooks[-1][0]}", f"name: {name}")
        jobs = render({"global": {"release": "machi-of-the-city"}}, own_chart).of("Job")
        assert len(jobs) == 3
        assert all(len(job["metadata"]["name"]) <= 63 for job in jobs)
        (hook,) = [job["metadata"]["name"] for job in jobs if "annotations" in job["metadata"]]
        hooks.append((name, hook))
    assert hooks[0][1] != hooks[1][1]


def test_a_changed_manifest_of_a_citys_own_pod_is_installed_by_another_job(own_chart: Path) -> None:
    """Helm leaves a Job alone that is as it was, and this one is done."""

    def jobs(tag: str) -> dict[str, Object]:
        made = render({"global": {"release": "machi"}, "image": {"tag": tag}}, own_chart)
        return {
            each["metadata"]["name"]: each["spec"]
            for each in made.of("Job")
            if "-operator-" in each["metadata"]["name"]
        }

    before = jobs("1.0.0")
    assert jobs("1.0.1") == before
    _edit(own_chart / "service.yaml", "version: 0.1.0", "version: 0.1.1")
    after = jobs("1.0.1")
    (gone,), (came,) = before.keys() - after.keys(), after.keys() - before.keys()
    assert gone.startswith("machi-operator-install-idea-box-")
    assert came.startswith("machi-operator-install-idea-box-")
    assert before[gone] != after[came]


def test_a_pod_of_the_citys_own_stands_on_the_citys_servers(own_chart: Path) -> None:
    """The values that the page gives to both."""
    words = (CHARTS / "README.md").read_text(encoding="utf-8")
    shared = next(block for block in words.split("```yaml\n")[1:] if block.startswith("# global.yaml"))
    files = own_chart.parent / "global.yaml"
    files.write_text(shared.partition("```")[0], encoding="utf-8")
    pods = next(block for block in words.split("```yaml\n")[1:] if block.startswith("# my-city.yaml"))
    city = render(yaml.safe_load(pods.partition("```")[0]), CHARTS / "machi", "--values", str(files))
    beside = render({"global": {"release": "machi"}}, own_chart, "--values", str(files))

    def stands_on(made: Rendered, name: str) -> dict[str, str]:
        spec = made.one("Deployment", name)["spec"]["template"]["spec"]
        servers = {each["name"]: each["value"] for each in spec["containers"][0]["env"] if "KAFKA" in each["name"]}
        sources = next(volume for volume in spec["volumes"] if volume["name"] == "secrets")["projected"]["sources"]
        secrets = sorted(source["secret"]["name"] for source in sources)
        return {**servers, "KAFKA_SECURITY_USERNAME": "", "secrets": ", ".join(secrets)}

    assert stands_on(city, "machi-notifications") == stands_on(beside, "machi-idea-box")
    assert stands_on(city, "machi-notifications")["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9093"


def test_what_comes_late_is_waited_for() -> None:
    """Secrets that another operator fills are not there before the release: its Jobs wait for them beside the pods."""
    late = {**CASES["outside"], "channel-line": {"enabled": False}, "channel-slack": {"enabled": False}}
    late["global"] = {
        **late["global"],
        "externalSecrets": {"store": "vault", "secrets": [{"name": "addresses", "from": "a"}]},
    }
    jobs = {each["metadata"]["name"]: each for each in render(late).of("Job")}
    hooks = [name for name, job in jobs.items() if "helm.sh/hook" in job["metadata"].get("annotations", {})]
    assert hooks == ["machi-operator-prepare"]
    commands = {name: job["spec"]["template"]["spec"]["containers"][0]["command"] for name, job in jobs.items()}
    applying = next(command for name, command in commands.items() if "-apply-" in name)
    assert "--topics" in applying
    assert "--topics" not in commands["machi-operator-prepare"]
