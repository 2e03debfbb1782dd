"""The official OpenAPI description of the Messaging API as compiled JSON Schema validators."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from machi_simulator.jsontree import Json, as_object, child, text
from machi_simulator.line.errors import Problem

REF = "#/components/schemas/"


@cache
def _definitions() -> Json:
    source = (files("machi_simulator") / "data" / "line-messaging-api.yml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    described = as_object(yaml.load(source, Loader=loader))  # noqa: S506 (both are safe)
    return _translate(child(child(described, "components"), "schemas"))


def _translate(schemas: Json) -> Json:
    """Discriminators become if/then, so that each kind of message is held to its own schema."""
    families = {name: child(as_object(schema), "discriminator") for name, schema in schemas.items()}
    families = {name: family for name, family in families.items() if family}
    definitions: Json = {name: _rewrite(schema, families, inside_all_of=False) for name, schema in schemas.items()}
    for name, family in families.items():
        definitions[f"Any{name}"] = _family(name, family)
    return definitions


def _rewrite(node: object, families: dict[str, Json], *, inside_all_of: bool) -> object:
    if isinstance(node, list):
        return [_rewrite(item, families, inside_all_of=inside_all_of) for item in node]
    if not isinstance(node, dict):
        return node
    name = text(node, "$ref").removeprefix(REF)
    if name:
        polymorphic = name in families and not inside_all_of
        return {"$ref": f"#/$defs/{'Any' if polymorphic else ''}{name}"}
    kept = {key: value for key, value in node.items() if key not in ("discriminator", "description", "externalDocs")}
    return {key: _rewrite(value, families, inside_all_of=key == "allOf") for key, value in kept.items()}


def _family(name: str, family: Json) -> Json:
    key = text(family, "propertyName")
    mapping = {kind: str(ref).removeprefix(REF) for kind, ref in child(family, "mapping").items()}
    chosen: list[object] = [
        {
            "if": {"properties": {key: {"const": kind}}, "required": [key]},
            "then": {"$ref": f"#/$defs/{target}"},
        }
        for kind, target in mapping.items()
        if target != name
    ]
    return {"type": "object", "required": [key], "properties": {key: {"enum": list(mapping)}}, "allOf": chosen}


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _definitions()})


def compile_all() -> None:
    """Compile once, at the start, what every request needs."""
    for name in ("ReplyMessageRequest", "PushMessageRequest", "MulticastRequest", "RichMenuRequest"):
        _validator(name).is_valid({})


def known_fields(name: str) -> set[str]:
    """The property names a schema and its parents declare."""
    return _fields(as_object(_definitions().get(name)))


def _fields(schema: Json) -> set[str]:
    found = set(child(schema, "properties"))
    parents = schema.get("allOf")
    for part in parents if isinstance(parents, list) else []:
        target = text(as_object(part), "$ref").removeprefix("#/$defs/")
        found |= known_fields(target) if target else _fields(as_object(part))
    return found


def problems(name: str, body: object) -> list[Problem]:
    """What is wrong with a body by the official schema `name`."""
    return [_problem(error) for error in _validator(name).iter_errors(body)]


def _problem(error: ValidationError) -> Problem:
    where = _where(error.absolute_path)
    kind = str(error.validator)
    if kind == "required":
        missing = error.message.split("'")[1]
        return Problem(f"{where}.{missing}".lstrip("."), "May not be empty")
    if kind in ("maxItems", "minItems", "maxLength", "minLength"):
        what = "Size" if kind.endswith("Items") else "Length"
        return Problem(where, f"{what} must be between {_bounds(error, kind)}")
    if kind == "enum":
        return Problem(where, f"must be one of the following values: {error.validator_value}")
    return Problem(where, error.message)


def _bounds(error: ValidationError, kind: str) -> str:
    schema = as_object(error.schema)
    low = schema.get("minItems" if kind.endswith("Items") else "minLength", 0)
    high = schema.get("maxItems" if kind.endswith("Items") else "maxLength", "any")
    return f"{low} and {high}"


def _where(path: Iterable[str | int]) -> str:
    joined = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return re.sub(r"^\.", "", joined)
