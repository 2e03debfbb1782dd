"""Golden bytes: what was once written to Kafka must be readable for ever."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

PROTOS = Path(__file__).parents[1]
GOLDEN = sorted((PROTOS / "examples").glob("*.binpb"))
every_example = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)


def load_script() -> ModuleType:
    spec = spec_from_file_location("machi_examples", PROTOS / "examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


def set_paths(message: Message) -> set[str]:
    """Full names of every field set anywhere in a message."""
    found = set[str]()
    for field, value in message.ListFields():
        found.add(field.full_name)
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for child in value if field.is_repeated else [value]:
            found |= set_paths(child)
    return found


@every_example
def test_still_means_the_same(path: Path) -> None:
    values = path.with_suffix(".json")
    decoded = script.type_of(path).FromString(path.read_bytes())
    assert decoded == script.values_of(values), MessageToDict(decoded)


@every_example
def test_nothing_in_it_is_unknown_to_the_present_code(path: Path) -> None:
    decoded = script.type_of(path).FromString(path.read_bytes())
    size = decoded.ByteSize()
    decoded.DiscardUnknownFields()
    assert decoded.ByteSize() == size


def test_values_and_bytes_come_in_pairs() -> None:
    assert {path.stem for path in GOLDEN} == {path.stem for path in (PROTOS / "examples").glob("*.json")}


def test_examples_together_set_every_field_of_every_type() -> None:
    shown = set[str]()
    for path in GOLDEN:
        shown |= set_paths(script.type_of(path).FromString(path.read_bytes()))
    missing = set[str]()
    for topic in (PROTOS / "topics").glob("*.yaml"):
        for name in yaml.safe_load(topic.read_text(encoding="utf-8"))["types"]:
            kind = script.type_of(PROTOS / "examples" / f"{name}.json")
            missing |= {field.full_name for field in kind.DESCRIPTOR.fields} - shown
    assert not missing, "add a variant to protos/examples"
