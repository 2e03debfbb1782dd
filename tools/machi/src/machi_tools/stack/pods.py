"""The pods of this checkout, found by their manifests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from machi_sdk.errors import Invalid
from machi_sdk.manifest import Manifest, load_manifest
from machi_tools.errors import StackError

FIRST_ORDER = ("identity", "reports", "notifications", "channel-line", "channel-slack")


@dataclass(frozen=True)
class Pod:
    """One service folder."""

    name: str
    folder: Path
    manifest: Manifest

    @property
    def module(self) -> str:
        """The import name, started with `python -m`."""
        return "machi_" + self.name.replace("-", "_")

    @property
    def manifest_path(self) -> Path:
        """The pod's passport."""
        return self.folder / "service.yaml"

    @property
    def manifest_text(self) -> str:
        """The passport as it is written."""
        return self.manifest_path.read_text(encoding="utf-8")


def discover(root: Path) -> list[Pod]:
    """Every folder of services/ that has a manifest; the order decides the default ports."""
    found = [_read(path) for path in sorted((root / "services").glob("*/service.yaml"))]
    rank = {name: place for place, name in enumerate(FIRST_ORDER)}
    return sorted(found, key=lambda pod: (rank.get(pod.name, len(rank)), pod.name))


def chosen(root: Path, environ: Mapping[str, str]) -> list[Pod]:
    """The pods to start: every one of this checkout, or those that MACHI_PODS names."""
    only = environ.get("MACHI_PODS", "").split()
    return [pod for pod in discover(root) if not only or pod.name in only]


def passports(pods: list[Pod]) -> dict[str, str]:
    """The digest of each pod's manifest, by name."""
    return {pod.name: pod.manifest.hash for pod in pods}


def callees(pod: Pod, everyone: list[Pod]) -> list[str]:
    """The pods this one may call, by its manifest; "*" stands for all."""
    named = {entry.pod for entry in pod.manifest.calls}
    return [other.name for other in everyone if other.name in named or "*" in named]


def _read(path: Path) -> Pod:
    try:
        manifest = load_manifest(path)
    except Invalid as error:
        raise StackError(f"{path.parent.name}/service.yaml: {error}", "mend the manifest, then try again") from error
    if manifest.name != path.parent.name:
        raise StackError(f"{path.parent.name}/service.yaml names itself {manifest.name}", "folder and name are one")
    return Pod(manifest.name, path.parent, manifest)
