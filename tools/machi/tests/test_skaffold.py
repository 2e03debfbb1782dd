"""skaffold.yaml: what `make gen` writes, and only keys that skaffold knows."""

from pathlib import Path

import yaml
from jsonschema import Draft7Validator

from machi_tools.images import skaffold
from machi_tools.images.catalogue import catalogue
from machi_tools.stack.layout import ROOT

TEXT = {"type": "string"}
YES = {"type": "boolean"}
COUNT = {"type": "integer"}
ANY = {"type": "object"}


def closed(required: str = "", **properties: object) -> dict[str, object]:
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def many(item: object) -> dict[str, object]:
    return {"type": "array", "items": item}


# The parts of skaffold's schema v4beta12 that the file uses, with the keys it allows there.
SYNC = closed(manual=many(closed("src dest", src=TEXT, dest=TEXT, strip=TEXT)), infer=many(TEXT), auto=YES)
DOCKER = closed(
    dockerfile=TEXT, target=TEXT, buildArgs={"type": "object", "additionalProperties": TEXT}, network=TEXT, noCache=YES
)
ARTIFACT = closed("image", image=TEXT, context=TEXT, docker=DOCKER, sync=SYNC, requires=many(ANY), platforms=many(TEXT))
LOCAL = closed(push=YES, tryImportMissing=YES, useDockerCLI=YES, useBuildkit=YES, concurrency=COUNT)
BUILD = closed(artifacts=many(ARTIFACT), tagPolicy=closed(inputDigest=ANY), local=LOCAL, platforms=many(TEXT))
RELEASE = closed(
    "name",
    name=TEXT,
    chartPath=TEXT,
    namespace=TEXT,
    createNamespace=YES,
    setValues=ANY,
    valuesFiles=many(TEXT),
    wait=YES,
)
DEPLOY = closed(statusCheckDeadlineSeconds=COUNT, helm=closed("releases", releases=many(RELEASE)))
FORWARD = closed(resourceType=TEXT, resourceName=TEXT, namespace=TEXT, port=COUNT, localPort=COUNT, address=TEXT)
ACTIVATION = closed(env=TEXT, kubeContext=TEXT, command=TEXT)
PROFILE = closed("name", name=TEXT, activation=many(ACTIVATION), build=BUILD, deploy=DEPLOY, portForward=many(FORWARD))
CONFIG = closed(
    "apiVersion kind",
    apiVersion={"const": "skaffold/v4beta12"},
    kind={"const": "Config"},
    metadata=closed(name=TEXT, labels=ANY, annotations=ANY),
    build=BUILD,
    deploy=DEPLOY,
    portForward=many(FORWARD),
    profiles=many(PROFILE),
)


def test_it_is_what_make_gen_writes_and_skaffold_knows_every_key() -> None:
    text = (ROOT / "skaffold.yaml").read_text(encoding="utf-8")
    assert text == skaffold.text(ROOT)
    assert not [error.message for error in Draft7Validator(CONFIG).iter_errors(yaml.safe_load(text))]


def test_a_wrong_key_would_be_seen() -> None:
    wrong = {"apiVersion": "skaffold/v4beta12", "kind": "Config", "build": {"artefacts": []}}
    assert list(Draft7Validator(CONFIG).iter_errors(wrong))


def test_each_pod_of_the_city_is_built_synced_and_can_be_alone() -> None:
    config = yaml.safe_load(skaffold.text(ROOT))
    pods = {path.parent.name for path in (ROOT / "services").glob("*/service.yaml")}
    artifacts = {entry["image"].rpartition("/")[2]: entry for entry in config["build"]["artifacts"]}
    assert pods <= artifacts.keys()
    assert {profile["name"] for profile in config["profiles"]} == pods | {"kind", "k3d"}
    for name in pods:
        (rule,) = artifacts[name]["sync"]["manual"]
        assert (ROOT / rule["strip"]).is_dir()
        assert rule["src"].startswith(rule["strip"])
    assert {entry["docker"]["target"] for entry in artifacts.values()} == {
        "dev",
        "operator",
        "simulator",
        "kafka",
        "postgres",
    }


def test_a_new_pod_is_taken_up(tmp_path: Path) -> None:
    folder = tmp_path / "services/lost-umbrellas"
    folder.mkdir(parents=True)
    (folder / "service.yaml").touch()
    assert next(image.name for image in catalogue(tmp_path)) == "lost-umbrellas"
    assert "localhost/machi/lost-umbrellas" in skaffold.text(tmp_path)
