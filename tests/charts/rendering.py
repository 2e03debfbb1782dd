"""What helm makes of the charts."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from tests.architecture.house import ROOT
from tests.charts.binaries import program
from tests.charts.cases import CASES

CHARTS = ROOT / "deploy" / "helm"
Object = dict[str, Any]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RefusedError(Exception):
    """helm refused the values; its words."""


@dataclass(frozen=True)
class Rendered:
    """The objects of one render."""

    text: str
    objects: tuple[Object, ...]

    def of(self, *kinds: str) -> list[Object]:
        """Objects of these kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        """The object of this kind and name."""
        return next(each for each in self.of(kind) if each["metadata"]["name"] == name)

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Every pod that would run, with who makes it."""
        for each in self.objects:
            spec = _pod_spec(each)
            if spec is not None:
                yield f"{each['kind']} {each['metadata']['name']}", spec


def _pod_spec(found: Object) -> Object | None:
    match found["kind"]:
        case "Pod":
            return cast("Object", found["spec"])
        case "Deployment" | "StatefulSet" | "Job":
            return cast("Object", found["spec"]["template"]["spec"])
        case "CronJob":
            return cast("Object", found["spec"]["jobTemplate"]["spec"]["template"]["spec"])
    return None


@cache
def case(name: str) -> Rendered:
    """One case of the matrix, as rendered first."""
    return render(CASES[name])


def render(values: Mapping[str, object], chart: Path = CHARTS / "machi", *more: str) -> Rendered:
    """Render a chart; RefusedError with helm's words."""
    command = [program("helm"), "template", "machi", str(chart), "--namespace", "city", "--values", "-", *more]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "symbolic link" not in line]
        raise RefusedError("\n".join(lines))
    return Rendered(done.stdout, tuple(each for each in yaml.load_all(done.stdout, _LOADER) if each))
