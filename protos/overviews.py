"""The reference pages that are no proto package's: all topics, and the manifest."""

import json
from typing import cast

import asyncapi
import contracts
from contracts import Entry
from machi_sdk.manifest import schema_text
from markdown import example, head, listed, table

_WORDS = {"string": "text", "boolean": "yes or no", "integer": "whole number"}


def topics_page() -> str:
    """All topics in one table, and what every record carries."""
    heads = ("Topic", "What it carries", "Class", "Key", "Kept", "Partitions", "Owner", "Written by", "Read by")
    headers = [(f"`{name}`", about) for name, (_, about) in asyncapi.HEADERS.items()]
    return (
        head(
            "Topics",
            "Source: [topics/](../../protos/topics/). For machines: [asyncapi.yaml](../../protos/asyncapi.yaml).",
        )
        + "`facts` carry no personal field and are kept; `personal` records live 72 hours at most.\n\n"
        + table(heads, [_topic(topic) for topic in contracts.topics()])
        + "## Headers\n\nCloudEvents 1.0 in Kafka's binary mode, UTF-8 text. The body is the protobuf message.\n\n"
        + table(("Header", "Meaning"), headers)
        + example("topics.py", "The first record of any topic, decoded:")
    )


def _topic(topic: Entry) -> list[str]:
    hours = cast("int", topic["retention_hours"])
    for_ever = "the last of each key" if topic["cleanup"] == "compact" else "for ever"
    types = ", ".join(_event(name) for name in asyncapi.types_of(topic))
    return [
        f"`{topic['name']}`",
        f"{topic['about']} {types}",
        str(topic["class"]),
        str(topic["key"]),
        for_ever if hours < 0 else f"{hours} h",
        str(topic["partitions"]),
        str(topic["owner"]),
        listed(topic["producers"]),
        listed(topic["consumers"]),
    ]


def _event(name: str) -> str:
    short = name.rpartition(".")[2]
    return f"[{short}]({name.split('.')[1]}.md#{short.lower()})"


def manifest_page() -> str:
    """The manifest's keys, from its JSON Schema."""
    schema = json.loads(schema_text())
    source = (
        "Source: [manifest.py](../../libs/common/src/machi_sdk/manifest.py). For editors: "
        "[manifest.schema.json](../../libs/common/src/machi_sdk/manifest.schema.json)."
    )
    return (
        head("The manifest: service.yaml", source)
        + "A pod's passport: what it answers, calls, writes, reads, talks about, and keeps about people. Unknown keys "
        "are refused. A pod is ready only while the manifest that an operator installed is its own.\n\n"
        + "".join(_part(name, part) for name, part in {"Manifest": schema, **schema["$defs"]}.items())
        + example("service.yaml", "A pod of a municipality's own:")
    )


def _part(name: str, schema: Entry) -> str:
    needed = cast("list[str]", schema.get("required", []))
    rows = [
        (f"`{key}`", _type(field), "yes" if key in needed else _default(field), str(field.get("description", "")))
        for key, field in cast("dict[str, Entry]", schema["properties"]).items()
    ]
    return f"## {name}\n\n{schema['description']}\n\n" + table(("Key", "Type", "Needed", "Meaning"), rows)


def _type(field: Entry) -> str:
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in field:
        return " or ".join(f"`{each}`" for each in cast("list[str]", field["enum"]))
    if "anyOf" in field:
        return " or ".join(_type(each) for each in cast("list[Entry]", field["anyOf"]))
    if field.get("type") == "array":
        return f"list of {_type(cast('Entry', field['items']))}"
    if field.get("type") == "object":
        return f"map of {_type(cast('Entry', field['additionalProperties']))}"
    return _WORDS.get(str(field["type"]), str(field["type"]))


def _default(field: Entry) -> str:
    default = field.get("default")
    return f"else {json.dumps(default)}" if default not in ([], {}, "", None) else ""
