"""The AsyncAPI document: valid, complete, and true to what is written to Kafka."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import yaml
from google.protobuf import symbol_database
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from machi.options.v1 import options_pb2
from machi_sdk.envelope import Provenance, headers_of
from machi_sdk.telemetry import span

PROTOS = Path(__file__).parents[1]
DOCUMENT: Any = yaml.safe_load((PROTOS / "asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = {"components": DOCUMENT["components"]}
EVENTS = sorted(DOCUMENT["components"]["messages"])
TOPICS = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((PROTOS / "topics").glob("*.yaml"))]
every_event = pytest.mark.parametrize("name", EVENTS)


def check(value: object, schema: object) -> None:
    """Hold a value against a schema of the document; formats too."""
    whole = {"allOf": [schema], **SCHEMAS}
    jsonschema.Draft7Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


def references(node: object) -> Iterator[str]:
    """Every $ref below a node."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(child)
    if isinstance(node, dict) and "$ref" in node:
        yield str(node["$ref"])


def kind_of(name: str) -> type[Message]:
    """The generated class of an event type."""
    import_module(f"{name.rpartition('.')[0]}.events_pb2")
    found: type[Message] = symbol_database.Default().GetSymbol(name)
    return found


def test_it_is_valid_asyncapi_3() -> None:
    schema = json.loads((PROTOS / "tests" / "data" / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(DOCUMENT)


def test_the_schema_would_refuse_a_document_that_is_none() -> None:
    schema = json.loads((PROTOS / "tests" / "data" / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
    topic = next(iter(DOCUMENT["channels"]))
    wrong = {**DOCUMENT, "channels": {topic: {**DOCUMENT["channels"][topic], "adress": topic}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(wrong)


def test_references_lead_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        node: object = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(node, dict), reference
            assert step in node, reference
            node = node[step]


def test_every_topic_is_a_channel_with_those_who_write_and_read_it() -> None:
    assert list(DOCUMENT["channels"]) == [topic["name"] for topic in TOPICS]
    told = set(DOCUMENT["operations"])
    assert told == {f"{pod}.writes.{topic['name']}" for topic in TOPICS for pod in topic["producers"]} | {
        f"{pod if pod != '*' else 'any-pod'}.reads.{topic['name']}" for topic in TOPICS for pod in topic["consumers"]
    }
    for topic in TOPICS:
        channel = DOCUMENT["channels"][topic["name"]]
        kafka = channel["bindings"]["kafka"]
        kept = topic["retention_hours"]
        assert (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"]) == (
            topic["partitions"],
            kept if kept < 0 else kept * 3_600_000,
        )
        assert {name: topic[name] for name in channel["x-machi"]} == channel["x-machi"]
        assert {"owner", "class", "key", "retention_hours", "producers", "consumers"} == set(channel["x-machi"])


@every_event
def test_examples_fit_their_schema_and_are_the_golden_bytes(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    examples = message["examples"]
    assert examples[0]["name"] == "plain"
    for example in examples:
        check(example["payload"], message["payload"])
        variant = "" if example is examples[0] else f".{example['name']}"
        golden = (PROTOS / "examples" / f"{name}{variant}.binpb").read_bytes()
        assert ParseDict(example["payload"], kind_of(name)()) == kind_of(name).FromString(golden)


@every_event
def test_a_schema_refuses_what_the_message_cannot_hold(name: str) -> None:
    field = next(iter(DOCUMENT["components"]["schemas"][name]["properties"]))
    with pytest.raises(jsonschema.ValidationError):
        check({field: [[1]]}, DOCUMENT["components"]["messages"][name]["payload"])


@every_event
def test_headers_are_those_the_sdk_writes(name: str) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    with span("writes"):
        headers = headers_of(kind_of(name)(), Provenance("e1", "reports", "fukuoka", at))
    schema = DOCUMENT["components"]["messages"][name]["headers"]
    check(headers, schema)
    assert set(headers) <= set(DOCUMENT["components"]["schemas"]["CloudEvent"]["properties"])
    for missing in DOCUMENT["components"]["schemas"]["CloudEvent"]["required"]:
        with pytest.raises(jsonschema.ValidationError):
            check({key: value for key, value in headers.items() if key != missing}, schema)
    with pytest.raises(jsonschema.ValidationError):
        check({**headers, "ce_type": "machi.other.v1.Other"}, schema)


def within(message: Descriptor, seen: dict[str, Descriptor]) -> dict[str, Descriptor]:
    """A message and all it holds, by full name."""
    if message.full_name not in seen:
        seen[message.full_name] = message
        for inner in filter(None, (field.message_type for field in message.fields)):
            within(inner, seen)
    return seen


def test_personal_fields_are_marked() -> None:
    held: dict[str, Descriptor] = {}
    for name in EVENTS:
        within(cast("Descriptor", kind_of(name).DESCRIPTOR), held)
    meant = {
        f"{message.full_name}.{field.json_name}"
        for message in held.values()
        for field in message.fields
        if field.GetOptions().Extensions[options_pb2.personal]
    }
    schemas = DOCUMENT["components"]["schemas"].items()
    fields = [(f"{name}.{key}", field) for name, each in schemas for key, field in each.get("properties", {}).items()]
    marked = {name for name, field in fields if field.get("x-personal")}
    assert marked == meant
    assert "machi.channel.v1.InboundEvent.address" in marked
