"""The AsyncAPI 3 document of all topics: who writes and reads what, under which key, for how long, with examples."""

import tomllib
from typing import cast

import yaml
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict

import contracts
import examples
from contracts import ROOT, Entry
from machi.options.v1 import options_pb2

_LICENSE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_TOLD = ("owner", "class", "key", "producers", "consumers", "retention_hours")
_KAFKA = "0.5.0"  # the version of AsyncAPI's Kafka bindings
_ABOUT = (
    "Every topic of a Machi release. On the wire a record is a protobuf message with CloudEvents 1.0 attributes as"
    " Kafka headers (binary mode); `payload` describes the JSON form of that message."
)
_TYPES: dict[int, Entry] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
_TIMESTAMP: Entry = {"type": "string", "format": "date-time"}
HEADERS: dict[str, tuple[Entry, str]] = {
    "ce_specversion": ({"type": "string", "const": "1.0"}, "The version of CloudEvents."),
    "ce_id": ({"type": "string"}, "The event's id: the same when it is sent again, so a consumer handles it once."),
    "ce_source": ({"type": "string", "format": "uri-reference"}, "The pod that says so: `/machi/<pod>`."),
    "ce_type": ({"type": "string"}, "The full name of the message in the body."),
    "ce_time": ({"type": "string", "format": "date-time"}, "When it happened."),
    "ce_tenant": ({"type": "string"}, "The municipality it belongs to; a foreign one is parked."),
    "content-type": ({"type": "string"}, "`application/protobuf; type=<full name>`."),
    "traceparent": ({"type": "string"}, "The trace it belongs to (W3C); absent outside a trace."),
    "tracestate": ({"type": "string"}, "What the tracing system adds (W3C)."),
}
_OPTIONAL_HEADERS = {"traceparent", "tracestate"}


class _Plain(yaml.SafeDumper):
    """Writes a value each time it occurs, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (the base class names it)
        """Always."""
        return True


def text() -> str:
    """The whole document as YAML."""
    topics, comments = contracts.topics(), contracts.comments()
    names = sorted({name for topic in topics for name in types_of(topic)})
    events = [descriptor_pool.Default().FindMessageTypeByName(name) for name in names]
    document: Entry = {
        "asyncapi": "3.0.0",
        "info": {"title": "Machi's events", "version": _version(), "description": _ABOUT, "license": _LICENSE},
        "defaultContentType": "application/protobuf",
        "channels": {str(topic["name"]): _channel(topic) for topic in topics},
        "operations": {key: operation for topic in topics for key, operation in _operations(topic).items()},
        "components": {
            "messages": {event.full_name: _message(event, topics, comments) for event in events},
            "schemas": {
                "CloudEvent": _cloud_event(),
                **{each.full_name: _schema(each, comments) for each in contracts.reachable(events)},
            },
        },
    }
    head = "# Made by `make gen` from topics/, examples/ and the protos' comments.\n"
    return head + yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=130)


def types_of(topic: Entry) -> list[str]:
    """The event types a topic carries."""
    return [str(name) for name in cast("list[object]", topic["types"])]


def _version() -> str:
    project = (ROOT / "gen" / "python" / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(project)["project"]["version"])


def _channel(topic: Entry) -> Entry:
    hours = cast("int", topic["retention_hours"])
    return {
        "address": topic["name"],
        "description": topic["about"],
        "messages": {_short(name): {"$ref": f"#/components/messages/{name}"} for name in types_of(topic)},
        "tags": [{"name": topic["class"]}],
        "bindings": {
            "kafka": {
                "topic": topic["name"],
                "partitions": topic["partitions"],
                "topicConfiguration": {
                    "cleanup.policy": [topic["cleanup"]],
                    "retention.ms": -1 if hours < 0 else hours * 3_600_000,
                },
                "bindingVersion": _KAFKA,
            }
        },
        "x-machi": {name: topic[name] for name in _TOLD},
    }


def _operations(topic: Entry) -> Entry:
    """One per pod that writes or reads the topic; one for all that read a topic that is open to every pod."""
    name = str(topic["name"])
    groups = {
        (str(manifest["name"]), entry["topic"]): entry["group"]
        for manifest in contracts.manifests()
        for entry in cast("list[Entry]", manifest.get("consumes", []))
    }
    made: Entry = {}
    for pod in cast("list[str]", topic["producers"]):
        made[f"{pod}.writes.{name}"] = {"action": "send", "channel": {"$ref": f"#/channels/{name}"}}
    for pod in cast("list[str]", topic["consumers"]):
        reads: Entry = {"action": "receive", "channel": {"$ref": f"#/channels/{name}"}}
        if group := groups.get((pod, name)):
            reads["bindings"] = {"kafka": {"groupId": {"type": "string", "const": group}, "bindingVersion": _KAFKA}}
        made[f"{pod if pod != '*' else 'any-pod'}.reads.{name}"] = reads
    return made


def _message(event: Descriptor, topics: list[Entry], comments: dict[str, str]) -> Entry:
    carriers = [topic for topic in topics if event.full_name in types_of(topic)]
    keys = sorted({str(topic["key"]) for topic in carriers})
    return {
        "name": event.full_name,
        "title": event.name,
        "summary": comments.get(event.full_name, str(carriers[0]["about"])),
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {"type": "object", "properties": {"ce_type": {"const": event.full_name}}},
            ]
        },
        "payload": {"$ref": f"#/components/schemas/{event.full_name}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "; ".join(keys)}, "bindingVersion": _KAFKA}},
        "examples": [
            {"name": variant or "plain", "payload": MessageToDict(examples.values_of(path))}
            for variant, path in contracts.examples(event.full_name)
        ],
        "x-machi": {topic["name"]: {name: topic[name] for name in _TOLD} for topic in carriers},
    }


def _cloud_event() -> Entry:
    return {
        "type": "object",
        "description": "Kafka headers of every record: CloudEvents 1.0 in binary mode, UTF-8 text.",
        "required": [name for name in HEADERS if name not in _OPTIONAL_HEADERS],
        "properties": {name: {**schema, "description": about} for name, (schema, about) in HEADERS.items()},
    }


def _schema(message: Descriptor, comments: dict[str, str]) -> Entry:
    made: Entry = {"type": "object"}
    if message.full_name in comments:
        made["description"] = comments[message.full_name]
    if message.fields:
        made["properties"] = {field.json_name: _property(field, comments) for field in message.fields}
    for choice in message.oneofs:
        made[f"x-one-of-{choice.name}"] = [field.json_name for field in choice.fields]
    return made


def _property(field: FieldDescriptor, comments: dict[str, str]) -> Entry:
    value = contracts.map_value(field)
    if value is not None:
        made: Entry = {"type": "object", "additionalProperties": _single(value)}
    elif field.is_repeated:
        made = {"type": "array", "items": _single(field)}
    else:
        made = _single(field)
    told: Entry = {"description": comments[field.full_name]} if field.full_name in comments else {}
    if field.GetOptions().Extensions[options_pb2.personal]:
        told["x-personal"] = True
    if "$ref" in made and told:
        return {"allOf": [made], **told}
    return {**made, **told}


def _single(field: FieldDescriptor) -> Entry:
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.message_type is None:
        return dict(_TYPES[field.type])
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return dict(_TIMESTAMP)
    return {"$ref": f"#/components/schemas/{field.message_type.full_name}"}


def _short(name: str) -> str:
    return name.rpartition(".")[2]
