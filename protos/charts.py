"""What charts hold of the contracts: copies of manifests and topics, the demo city, its pods, who serves what.

And the release's version, for the charts of others.
"""

import json
import re
from pathlib import Path

import yaml

from contracts import ROOT
from machi_sdk.manifest import Manifest, load_manifest
from machi_tools.stack.plan import SEEDS, TENANT, account_name, offered_languages
from machi_tools.stack.pods import discover

HOUSE = ROOT.parent
CHARTS = HOUSE / "deploy" / "helm"
CITY = CHARTS / "machi"
_KNOWN = """{{/* Made by `make gen`: what each pod of the city serves. */}}
{{- define "machi-service.known" -}}
%s{{- end -}}

{{/* Made by `make gen`: the release that this library belongs to, whichever chart uses it. */}}
{{- define "machi-service.version" -}}%s{{- end -}}
"""
_COPIED = (CITY / "topics", CITY / "demo")
LIBRARY = "machi-service"
_POD_VALUES = re.compile(r'(?: {4}"[a-z0-9-]+": \{"\$ref": "#/\$defs/pod"\},\n)+')


def texts() -> dict[Path, str]:
    """Every generated file of the charts, by place."""
    manifests = _manifests()
    made = {CHARTS / name / "service.yaml": path.read_text(encoding="utf-8") for name, path in manifests.items()}
    own, schema = manifests.keys() - set(_city()), _pod_schema()  # the city's schema judges the values of its own pods
    made |= {CHARTS / name / "values.schema.json": schema for name in own}
    made |= {CITY / "topics" / path.name: path.read_text(encoding="utf-8") for path in (ROOT / "topics").glob("*.yaml")}
    made |= {CITY / "demo" / name: text for name, text in _demo().items()}
    made |= {CITY / "Chart.yaml": _city_chart(), CITY / "values.schema.json": _city_schema()}
    made[CHARTS / LIBRARY / "templates" / "_known.tpl"] = _known([load_manifest(manifests[n]) for n in _city()])
    return made


def leftovers() -> set[Path]:
    """Files in the folders that hold copies alone, and every schema: those that are not made any more go."""
    return {path for folder in _COPIED for path in folder.glob("*")} | set(CHARTS.glob("*/values.schema.json"))


def links() -> dict[Path, Path]:
    """Where the city's chart finds those of its pods: each link and where it leads."""
    return {CITY / "charts" / name: Path("..") / ".." / name for name in (LIBRARY, *_city())}


def stale_links() -> set[Path]:
    """Links that are missing, lead elsewhere, or lead to a pod that is gone."""
    wanted, there = links(), {path: path.readlink() for path in (CITY / "charts").iterdir() if path.is_symlink()}
    return {path for path in {*wanted, *there} if wanted.get(path) != there.get(path)}


def lay_links() -> None:
    """Make the links as they should be."""
    wanted = links()
    for path in stale_links():
        path.unlink(missing_ok=True)
        if path in wanted:
            path.symlink_to(wanted[path])


def _manifests() -> dict[str, Path]:
    found = {
        path.parent.name: path for room in ("services", "examples") for path in HOUSE.glob(f"{room}/*/service.yaml")
    }
    return {
        path.parent.name: found[path.parent.name] for path in CHARTS.glob("*/Chart.yaml") if path.parent.name in found
    }


def _city() -> list[str]:
    """The pods of the city's chart: each of services/ that has a chart of its own."""
    return [pod.name for pod in discover(HOUSE) if (CHARTS / pod.name / "Chart.yaml").is_file()]


def _city_chart() -> str:
    """The city's chart: a dependency for each of its pods."""
    head = (CITY / "Chart.yaml").read_text(encoding="utf-8").partition("dependencies:\n")[0]
    library, *pods = (_dependency(name) for name in (LIBRARY, *_city()))
    conditional = (f"{each}, condition: {name}.enabled" for name, each in zip(_city(), pods, strict=True))
    return f"{head}dependencies:\n" + "".join(f"  - {{{each}}}\n" for each in (library, *conditional))


def _dependency(name: str) -> str:
    version = yaml.safe_load((CHARTS / name / "Chart.yaml").read_text(encoding="utf-8"))["version"]
    return f'name: {name}, version: {version}, repository: "file://../{name}"'


def _city_schema() -> str:
    """The values of the city's chart: a key for each of its pods."""
    text = (CITY / "values.schema.json").read_text(encoding="utf-8")
    keys = "".join(f'    "{name}": {{"$ref": "#/$defs/pod"}},\n' for name in _city())
    return _POD_VALUES.sub(keys, text, count=1)


def _known(manifests: list[Manifest]) -> str:
    served = {manifest.name: [entry.service for entry in manifest.serves] for manifest in manifests}
    table = yaml.safe_dump(served, sort_keys=True)
    version = yaml.safe_load((CITY / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    return _KNOWN % (table, version)


def _pod_schema() -> str:
    """The values of a pod's own chart: as the city's chart describes them."""
    schema = json.loads((CITY / "values.schema.json").read_text(encoding="utf-8"))
    pod = {"title": "Values of a pod's chart; what its manifest says is not repeated here.", **schema["$defs"]["pod"]}
    return json.dumps({"$schema": schema["$schema"], **pod, "$defs": schema["$defs"]}, ensure_ascii=False) + "\n"


def _demo() -> dict[str, str]:
    reports = HOUSE / "services" / "reports" / "seeds" / TENANT
    settings = {
        "SIMULATOR_ACCOUNT": account_name(TENANT),
        "SIMULATOR_LANGUAGES": json.dumps(offered_languages(TENANT), ensure_ascii=False),
    }
    return {
        "city.yaml": (SEEDS / TENANT / "city.yaml").read_text(encoding="utf-8"),
        "catalogue.yaml": (reports / "catalogue.yaml").read_text(encoding="utf-8"),
        "ATTRIBUTION.md": (reports / "ATTRIBUTION.md").read_text(encoding="utf-8"),
        "wards.geojson": (reports / "wards.geojson").read_text(encoding="utf-8"),
        "simulator.json": json.dumps(settings, ensure_ascii=False, indent=1) + "\n",
    }
