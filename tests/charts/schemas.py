"""Strict schemas: of Kubernetes by version, and of operators' kinds from their CustomResourceDefinitions.

CEL rules of CRDs are not evaluated here; a cluster does.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs

HERE = Path(__file__).parent
VERSIONS = ("1.32", "1.33", "1.34", "1.35", "1.36", "1.37")  # as kubeVersion in the charts, up to the newest known
Json = dict[str, Any]


def problems(found: Json, version: str) -> list[str]:
    """What a strict API server of this version would refuse."""
    api, kind = str(found["apiVersion"]), str(found["kind"])
    validator = _custom(api, kind) or _built_in(version, api, kind)
    if validator is None:
        return [f"no schema of {api} {kind}"]
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in validator.iter_errors(found)
    ]


@cache
def _custom(api: str, kind: str) -> jsonschema_rs.Draft202012Validator | None:
    group, _, version = api.rpartition("/")
    path = HERE / "crds" / f"{kind.lower()}.{group}_{version}.json"
    if not path.is_file():
        return None
    schema = _closed(json.loads(path.read_text(encoding="utf-8"))["schema"])
    schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
    return jsonschema_rs.Draft202012Validator(schema)


@cache
def _built_in(version: str, api: str, kind: str) -> jsonschema_rs.Draft202012Validator | None:
    group = api.replace("/", "-") if "." not in api else f"{api.partition('.')[0]}-{api.rpartition('/')[2]}"
    path = _folder(version) / f"{kind.lower()}-{group}.json"
    if not path.is_file():
        return None
    registry = jsonschema_rs.Registry([("_definitions.json", _definitions(version))])
    return jsonschema_rs.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")), registry=registry)


@cache
def _definitions(version: str) -> Json:
    found: Json = json.loads((_folder(version) / "_definitions.json").read_text(encoding="utf-8"))
    return found


def _folder(version: str) -> Path:
    return Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema" / f"v{version}.0-local-strict"


def _closed(schema: Json) -> Json:
    """A structural schema as JSON Schema in which unknown fields are refused, as by strict field validation."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made = {
        key: value for key, value in schema.items() if not key.startswith("x-") and key not in ("nullable", "format")
    }
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    if "properties" in schema:
        made["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = _closed(schema[key])
    return made
