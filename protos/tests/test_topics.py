"""The topics registry: complete, and no personal data where records are kept for years."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import cast

import pytest
import yaml
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from machi.options.v1 import options_pb2

PROTOS = Path(__file__).parents[1]
FILES = sorted((PROTOS / "topics").glob("*.yaml"))
REQUIRED = {
    "name",
    "about",
    "owner",
    "producers",
    "consumers",
    "key",
    "class",
    "cleanup",
    "retention_hours",
    "partitions",
    "types",
    "examples",
}
LONGEST_PERSONAL_HOURS = 72

Entry = dict[str, object]
every_topic = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> Entry:
    return cast("Entry", yaml.safe_load(path.read_text(encoding="utf-8")))


def texts(entry: Entry, key: str) -> list[str]:
    value = entry[key]
    assert isinstance(value, list), f"{key} is a list"
    return [str(item) for item in value]


def descriptor(name: str) -> Descriptor:
    package = name.rpartition(".")[0]
    import_module(f"{package}.events_pb2")
    return descriptor_pool.Default().FindMessageTypeByName(name)


def fields_within(message: Descriptor, seen: set[str] | None = None) -> Iterator[FieldDescriptor]:
    """Every field a message can carry, however deep; recursive types are walked once."""
    seen = set() if seen is None else seen
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        yield field
        if field.message_type is not None:
            yield from fields_within(field.message_type, seen)


def personal(message: Descriptor) -> list[str]:
    return [field.full_name for field in fields_within(message) if field.GetOptions().Extensions[options_pb2.personal]]


@every_topic
def test_entry_is_complete(path: Path) -> None:
    entry = read(path)
    assert set(entry) == REQUIRED
    assert entry["name"] == path.stem
    assert entry["class"] in {"facts", "personal"}
    assert entry["cleanup"] in {"delete", "compact"}
    assert isinstance(entry["partitions"], int)
    assert entry["partitions"] >= 1
    for key in ("about", "owner", "key"):
        assert str(entry[key]).strip(), f"{key} is empty"
    assert texts(entry, "producers"), "somebody writes it"
    assert texts(entry, "types"), "it carries something"


@every_topic
def test_names_a_type_and_an_example_of_each(path: Path) -> None:
    entry = read(path)
    examples = entry["examples"]
    assert isinstance(examples, dict)
    assert list(examples) == texts(entry, "types")
    for name, place in examples.items():
        assert descriptor(name).full_name == name
        assert place == f"examples/{name}.binpb"
        assert (PROTOS / place).is_file(), f"{place} is missing: run python protos/examples.py"


@every_topic
def test_facts_carry_no_personal_field(path: Path) -> None:
    entry = read(path)
    if entry["class"] == "facts":
        found = {name: personal(descriptor(name)) for name in texts(entry, "types")}
        assert not any(found.values()), found


@every_topic
def test_personal_records_live_three_days_at_most(path: Path) -> None:
    entry = read(path)
    hours = entry["retention_hours"]
    assert isinstance(hours, int)
    if entry["class"] == "personal":
        assert 0 < hours <= LONGEST_PERSONAL_HOURS
        assert entry["cleanup"] == "delete", "compaction keeps the last record of a key for ever"


def test_the_walk_finds_nested_personal_fields() -> None:
    nested = personal(descriptor("machi.deliveries.v1.DeliveryRequested"))
    assert "machi.dialogue.v1.Fact.value" in nested
    in_map = personal(descriptor("machi.channel.v1.InboundEvent"))
    assert "machi.channel.v1.FormSubmitted.values" in in_map


def test_every_event_type_travels_on_a_topic() -> None:
    listed = {name for path in FILES for name in texts(read(path), "types")}
    inner = set[str]()
    defined = set[str]()
    for source in sorted((PROTOS / "machi").rglob("events.proto")):
        module = import_module(".".join(source.relative_to(PROTOS).with_suffix("").parts) + "_pb2")
        for message in module.DESCRIPTOR.message_types_by_name.values():
            defined.add(message.full_name)
            inner.update(field.message_type.full_name for field in message.fields if field.message_type is not None)
    assert defined - inner == listed
