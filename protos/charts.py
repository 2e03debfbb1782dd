"""What charts hold of the contracts, as copies: manifests, topics, the demo city, and who serves what."""

import json
from pathlib import Path

import yaml

from contracts import ROOT
from machi_sdk.manifest import Manifest, load_manifest
from machi_tools.stack.plan import SEEDS, TENANT, account_name, offered_languages

HOUSE = ROOT.parent
CHARTS = HOUSE / "deploy" / "helm"
CITY = CHARTS / "machi"
_KNOWN = """{{/* Made by `make gen`: what each pod of the city serves. */}}
{{- define "machi-service.known" -}}
%s{{- end -}}
"""
_COPIED = (CITY / "topics", CITY / "demo")


def texts() -> dict[Path, str]:
    """Every generated file of the charts, by place."""
    manifests = _manifests()
    made = {CHARTS / name / "service.yaml": path.read_text(encoding="utf-8") for name, path in manifests.items()}
    schema = _pod_schema()
    made |= {CHARTS / name / "values.schema.json": schema for name in manifests}
    made |= {CITY / "topics" / path.name: path.read_text(encoding="utf-8") for path in (ROOT / "topics").glob("*.yaml")}
    made |= {CITY / "demo" / name: text for name, text in _demo().items()}
    made[CHARTS / "machi-service" / "templates" / "_known.tpl"] = _known([load_manifest(manifests[n]) for n in _city()])
    return made


def leftovers() -> set[Path]:
    """Files in the folders that hold copies alone."""
    return {path for folder in _COPIED for path in folder.glob("*")}


def _manifests() -> dict[str, Path]:
    found = {
        path.parent.name: path for room in ("services", "examples") for path in HOUSE.glob(f"{room}/*/service.yaml")
    }
    return {
        path.parent.name: found[path.parent.name] for path in CHARTS.glob("*/Chart.yaml") if path.parent.name in found
    }


def _city() -> list[str]:
    """The pods of the umbrella chart."""
    chart = yaml.safe_load((CITY / "Chart.yaml").read_text(encoding="utf-8"))
    return sorted(entry["name"] for entry in chart["dependencies"] if "condition" in entry)


def _known(manifests: list[Manifest]) -> str:
    served = {manifest.name: [entry.service for entry in manifest.serves] for manifest in manifests}
    table = yaml.safe_dump(served, sort_keys=True)
    return _KNOWN % table


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
