"""Charts render for every city of the matrix, twice the same, and what they render is strictly valid."""

import subprocess
from pathlib import Path

import pytest
import yaml

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
def test_no_object_twice(name: str) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in case(name).objects]
    assert len(set(names)) == len(names)


def test_an_upgrade_migrates_before_the_pods() -> None:
    """On a first install whose database comes with the release it does not exist yet: a plain Job waits for it."""
    first = case("evaluation").of("Job")
    later = render({}, CHARTS / "machi", "--is-upgrade").of("Job")
    outside = case("outside").of("Job")

    def hooked(jobs: list[Object]) -> list[str]:
        found = [each["metadata"] for each in jobs]
        return sorted(each["name"] for each in found if "migration" in each["name"] and "annotations" in each)

    assert hooked(first) == []
    assert hooked(later) == hooked(outside) == sorted(f"machi-{pod.name}-migration" for pod in in_the_stack())


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
