"""skaffold.yaml, written by `make gen` from the folders of pods, so that no list names them."""

from pathlib import Path

import yaml

from machi_tools.images.catalogue import Image, catalogue
from machi_tools.images.engines import DOCKERFILE

HEAD = """\
# The dev loop, written by `make gen`: builds, installs the city's chart for evaluation, copies edited files into pods.
#   skaffold dev               all pods, in the cluster that kubectl speaks to; kind and k3d are known by their context
#   skaffold dev -p reports    this pod alone; the other images are those of `make images`, loaded into the cluster
# An edited file of a pod goes to /tmp/code, and the pod starts anew (deploy/docker/dev.py). Others build an image.
"""
PREFIX = "localhost/machi/"  # as the chart calls images that were built here
LOCAL = {"push": False, "useBuildkit": True, "concurrency": 1}
CLUSTERS = ("kind", "k3d")


def text(root: Path) -> str:
    """The file, the same for the same folders."""
    images = [image for image in catalogue(root) if not image.folder.startswith("examples/")]
    everything = [_artifact(image) for image in images]
    config: dict[str, object] = {
        "apiVersion": "skaffold/v4beta12",
        "kind": "Config",
        "metadata": {"name": "machi"},
        "build": {"tagPolicy": {"inputDigest": {}}, "local": LOCAL, "artifacts": everything},
        "deploy": {"statusCheckDeadlineSeconds": 300, "helm": {"releases": [_release()]}},
        "portForward": [
            {"resourceType": "service", "resourceName": "machi-simulator", "namespace": "machi", "port": 8080}
        ],
        "profiles": [_of_cluster(name) for name in CLUSTERS]
        + [_of_pod(image) for image in images if image.target == "service"],
    }
    return HEAD + yaml.dump(config, Dumper=_Plain, sort_keys=False, width=120)


class _Plain(yaml.SafeDumper):
    """Repeats what is the same instead of pointing at it."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (yaml calls it so)
        """Always."""
        return True


def _artifact(image: Image) -> dict[str, object]:
    pod = image.target == "service"
    arguments = {name: value for name, value in image.arguments.items() if value}
    docker = {"dockerfile": DOCKERFILE, "target": "dev" if pod else image.target, "buildArgs": arguments}
    artifact: dict[str, object] = {"image": PREFIX + image.name, "docker": docker}
    if pod:
        source = f"{image.folder}/src/"
        artifact["sync"] = {"manual": [{"src": f"{source}**", "dest": "/tmp/code", "strip": source}]}  # noqa: S108 (the pod's)
    return artifact


def _release() -> dict[str, object]:
    settings = {"global.profile": "evaluation"}
    return {
        "name": "machi",
        "chartPath": "deploy/helm/machi",
        "namespace": "machi",
        "createNamespace": True,
        "setValues": settings,
    }


def _of_cluster(name: str) -> dict[str, object]:
    return {"name": name, "activation": [{"kubeContext": f"{name}-.*"}], "build": {"local": LOCAL}}


def _of_pod(image: Image) -> dict[str, object]:
    return {"name": image.name, "build": {"local": LOCAL, "artifacts": [_artifact(image)]}}
