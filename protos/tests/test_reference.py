"""The reference pages: nothing left out, and what they show is true."""

import json
import re
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import jsonschema
import pytest
import yaml
from google.protobuf import descriptor_pool, symbol_database
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.json_format import ParseDict

from machi.identity.v1.staff_service_pb2 import Staff
from machi_sdk.manifest import Manifest, load_manifest, schema_text
from machi_sdk.rpc.calls import STATUS_OF

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference"
INDEX = (PAGES / "README.md").read_text(encoding="utf-8")
SOURCES = sorted(path.relative_to(ROOT / "protos") for path in (ROOT / "protos" / "machi").rglob("*.proto"))
SECTION = re.compile(r"^### (?P<name>\w+)\n(?P<body>.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
SLUG = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")
every_source = pytest.mark.parametrize("source", SOURCES, ids=str)


def described(source: Path) -> FileDescriptor:
    """A proto file's descriptor."""
    import_module(".".join(source.with_suffix("").parts) + "_pb2")
    return descriptor_pool.Default().FindFileByName(str(source))


def page_of(source: Path) -> str:
    """The page of a proto file's package."""
    return (PAGES / f"{source.parts[1]}.md").read_text(encoding="utf-8")


def test_the_index_links_every_page() -> None:
    missing = [path.name for path in PAGES.glob("*.md") if path.name != "README.md" and f"({path.name})" not in INDEX]
    assert not missing


@every_source
def test_every_rpc_message_field_and_value_has_its_place(source: Path) -> None:
    page, file = page_of(source), described(source)
    for service in file.services_by_name.values():
        assert f"## {service.name}\n" in page
        assert all(f"| `{rpc.name}` | " in page for rpc in service.methods)
    for message in file.message_types_by_name.values():
        body = next((match["body"] for match in SECTION.finditer(page) if match["name"] == message.name), "")
        assert all(f"| `{field.name}` | " in body for field in message.fields), message.name
    for enum in file.enum_types_by_name.values():
        assert all(f"| `{value.name}` | {value.number} |" in page for value in enum.values)


@every_source
def test_every_rpc_says_what_it_does(source: Path) -> None:
    for service in described(source).services_by_name.values():
        for rpc in service.methods:
            assert re.search(rf"^\| `{rpc.name}` \| \w.{{10,}}? \|", page_of(source), re.MULTILINE), rpc.full_name


@every_source
def test_slugs_of_errors_are_in_the_code(source: Path) -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("services", "libs")
        for path in (ROOT / folder).glob("*/src/**/*.py")
    )
    rows = [line for line in page_of(source).splitlines() if "README.md#errors" in line]
    slugs = {slug for row in rows for slug in SLUG.findall(row.rpartition("README.md#errors")[2])}
    assert not [slug for slug in slugs if f'"{slug}"' not in code]


def test_the_table_of_errors_is_the_sdks() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \|", INDEX, re.MULTILINE)
    assert dict(rows) == {status.name: kind.__name__ for kind, status in STATUS_OF.items()}


def test_events_show_an_example_that_decodes() -> None:
    shown = 0
    for source in (path for path in SOURCES if path.name == "events.proto"):
        for match in SECTION.finditer(page_of(source)):
            name = f"{described(source).package}.{match['name']}"
            for example in re.findall(r"```json\n(.*?)```", match["body"], re.DOTALL):
                kind = symbol_database.Default().GetSymbol(name)
                golden = ROOT / "protos" / "examples" / f"{name}.binpb"
                assert ParseDict(json.loads(example), kind()) == kind.FromString(golden.read_bytes())
                shown += 1
    assert shown >= 14


def test_every_page_has_an_example() -> None:
    missing = [path.name for path in PAGES.glob("*.md") if path.name != "README.md" and "```" not in path.read_text()]
    assert not missing


def test_the_manifests_example_is_one_and_shows_every_key() -> None:
    path = PAGES / "examples" / "service.yaml"
    assert f"```yaml\n{path.read_text(encoding='utf-8')}```" in (PAGES / "manifest.md").read_text(encoding="utf-8")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, json.loads(schema_text()))
    manifest = load_manifest(path)
    assert set(content) == set(Manifest.model_fields)
    for key, parts in content.items():
        for part in parts if isinstance(parts, list) and isinstance(parts[0], dict) else []:
            assert set(part) == set(type(getattr(manifest, key)[0]).model_fields), key


def test_every_key_of_the_manifest_is_explained() -> None:
    schema = json.loads(schema_text())
    for part in (schema, *schema["$defs"].values()):
        assert not [key for key, field in part["properties"].items() if not field.get("description")]


def test_the_example_of_the_option_runs() -> None:
    spec = spec_from_file_location("reference_options", PAGES / "examples" / "options.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.personal_fields(Staff()) == ["display_name", "slack_address"]
