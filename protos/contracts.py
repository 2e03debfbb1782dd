"""The wire contracts as generators read them: descriptors with their comments, the topics registry, the manifests."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path

import yaml
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from grpc_tools import protoc

ROOT = Path(__file__).parent
Entry = dict[str, object]
_Named = DescriptorProto | EnumDescriptorProto | FileDescriptorProto


@dataclass(frozen=True)
class Package:
    """One proto package, such as `machi.reports.v1`."""

    name: str
    files: tuple[FileDescriptor, ...]

    @property
    def context(self) -> str:
        """Its word between `machi` and the version."""
        return self.name.split(".")[1]

    @property
    def services(self) -> list[ServiceDescriptor]:
        """Its rpc services, in the order they are written."""
        return [service for file in self.files for service in file.services_by_name.values()]

    @property
    def messages(self) -> list[Descriptor]:
        """Its messages, in the order they are written."""
        return [message for file in self.files for message in file.message_types_by_name.values()]

    @property
    def enums(self) -> list[EnumDescriptor]:
        """Its enums, in the order they are written."""
        return [enum for file in self.files for enum in file.enum_types_by_name.values()]


def sources() -> list[str]:
    """Every .proto file, relative to this folder."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "machi").rglob("*.proto"))


def run_protoc(*arguments: str) -> None:
    """Run protoc over every source; SystemExit when it fails."""
    well_known = str(resources.files("grpc_tools") / "_proto")
    code = protoc.main(["protoc", f"-I{ROOT}", f"-I{well_known}", *arguments, *sources()])
    if code:
        raise SystemExit(code)


def packages() -> list[Package]:
    """Every package, by name."""
    found: dict[str, list[FileDescriptor]] = {}
    for source in sources():
        import_module(source.removesuffix(".proto").replace("/", ".") + "_pb2")
        file = descriptor_pool.Default().FindFileByName(source)
        found.setdefault(file.package, []).append(file)
    return [Package(name, tuple(files)) for name, files in sorted(found.items())]


def comments() -> dict[str, str]:
    """What is written above each service, rpc, message, field, enum, and value, by full name."""
    with tempfile.NamedTemporaryFile() as target:
        run_protoc("--include_source_info", f"--descriptor_set_out={target.name}")
        described = FileDescriptorSet.FromString(Path(target.name).read_bytes())
    found = {}
    for file in described.file:
        for location in file.source_code_info.location:
            name = _name_at(file, list(location.path))
            if name and location.leading_comments:
                found[name] = " ".join(location.leading_comments.split())
    return found


def _name_at(file: FileDescriptorProto, path: list[int]) -> str:
    """The full name of what a source location's path leads to; empty for anything without a name."""
    node: Message = file
    names = [file.package]
    for number, index in zip(path[::2], path[1::2], strict=False):
        field = node.DESCRIPTOR.fields_by_number.get(number)
        if field is None or not field.is_repeated or field.message_type is None:
            return ""
        node = getattr(node, field.name)[index]
        names.append(getattr(node, "name", ""))
    return ".".join(names) if len(path) % 2 == 0 and len(path) > 1 else ""


def topics() -> list[Entry]:
    """The registry of topics, by name."""
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "topics").glob("*.yaml"))]


def manifests() -> list[Entry]:
    """Every service's manifest, by name."""
    found = sorted(ROOT.parent.glob("services/*/service.yaml"))
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in found]


def examples(name: str) -> Iterator[tuple[str, Path]]:
    """The examples of an event type, the plain one first: variant (empty for the plain one) and file of values."""
    for path in sorted((ROOT / "examples").glob(f"{name}*.json"), key=lambda path: len(path.name)):
        variant = path.stem.removeprefix(name)
        if not variant or variant.startswith("."):
            yield variant.lstrip("."), path


def reachable(messages: list[Descriptor]) -> list[Descriptor]:
    """These messages and every one of ours they can hold, each once."""
    found: dict[str, Descriptor] = {}
    waiting = list(messages)
    while waiting:
        message = waiting.pop(0)
        if message.full_name in found or not message.full_name.startswith("machi."):
            continue
        found[message.full_name] = message
        waiting += [inner for field in message.fields if (inner := held(field)) is not None]
    return list(found.values())


def held(field: FieldDescriptor) -> Descriptor | None:
    """The message a field holds; of a map, the message of its values."""
    return (map_value(field) or field).message_type


def map_value(field: FieldDescriptor) -> FieldDescriptor | None:
    """The field of a map's values; None when the field is no map."""
    entry = field.message_type
    return entry.fields_by_name["value"] if entry is not None and entry.GetOptions().map_entry else None
