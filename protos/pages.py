"""The reference pages, one per proto package: services with rpcs and errors, messages with fields, enums, examples."""

from pathlib import Path
from typing import cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

import asyncapi
import contracts
from contracts import Entry, Package
from machi.options.v1 import options_pb2
from markdown import EXAMPLES, example, head, listed, table
from overviews import manifest_page, topics_page

LONGEST_EXAMPLE = 20
_SCALARS = {
    FieldDescriptor.TYPE_STRING: "text",
    FieldDescriptor.TYPE_BOOL: "yes or no",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_DOUBLE: "number",
    FieldDescriptor.TYPE_BYTES: "bytes",
}
# Where in the flow of a report a context does its part.
_FLOW = {
    "channel": "in-the-resident-writes",
    "consent": "out-the-resident-hears-of-it",
    "deliveries": "out-the-resident-hears-of-it",
    "desk": "at-the-desk-the-card",
    "dialogue": "in-the-pod-the-dialogue",
    "identity": "in-the-resident-writes",
    "notifications": "out-the-resident-hears-of-it",
    "reports": "in-the-pod-the-dialogue",
}


def texts() -> dict[str, str]:
    """Every page's text by file name."""
    comments = contracts.comments()
    pages = {f"{package.context}.md": _Page(package, comments).text() for package in contracts.packages()}
    pages |= {"topics.md": topics_page(), "manifest.md": manifest_page()}
    return {name: text.rstrip("\n") + "\n" for name, text in pages.items()}


class _Page:
    def __init__(self, package: Package, comments: dict[str, str]) -> None:
        self._package = package
        self._comments = comments
        self._topics = contracts.topics()
        self._manifests = contracts.manifests()

    def text(self) -> str:
        """The whole page."""
        parts = [head(self._package.name, self._source())]
        parts += [self._service(service) for service in self._package.services]
        parts += [self._options()]
        if (EXAMPLES / f"{self._package.context}.py").is_file():
            parts.append(example(f"{self._package.context}.py", "Tried by a test against the running city:"))
        parts += [self._message(message) for message in self._package.messages if message.fields]
        parts += [self._enum(enum) for enum in self._package.enums]
        return "".join(parts)

    def _source(self) -> str:
        files = [f"[{Path(file.name).name}](../../protos/{file.name})" for file in self._package.files]
        anchor = _FLOW.get(self._package.context)
        flow = f" Its part in [the flow of a report](../flows/report.md#{anchor})." if anchor else ""
        return f"Source: {', '.join(files)}.{flow}"

    def _service(self, service: ServiceDescriptor) -> str:
        rows = [self._rpc(rpc) for rpc in service.methods]
        about = f"## {service.name}\n\n{self._comment(service.full_name)}\n\n{self._who(service.full_name)}\n\n"
        return about + table(("Rpc", "What", "Takes", "Gives", "Errors"), rows)

    def _who(self, service: str) -> str:
        serving = [each["name"] for each in self._manifests if service in _services(each, "serves")]
        if any(service in _services(each, "calls", "*") for each in self._manifests):
            serving = ["*"]
        calling = [each["name"] for each in self._manifests if service in _services(each, "calls")]
        return f"Served by {listed(serving)}; called by {listed(calling)}."

    def _rpc(self, rpc: MethodDescriptor) -> list[str]:
        about, _, errors = self._comment(rpc.full_name).partition("Errors: ")
        if rpc.name in self._operators(rpc.containing_service.full_name):
            about = f"{about.strip()} Operators only."
        takes, gives = self._side(rpc.input_type), self._side(rpc.output_type)
        takes = f"stream of {takes}" if rpc.client_streaming else takes
        gives = f"stream of {gives}" if rpc.server_streaming else gives
        return [f"`{rpc.name}`", about.strip(), takes, gives, _errors(errors)]

    def _operators(self, service: str) -> list[str]:
        served = [entry for each in self._manifests for entry in cast("list[Entry]", each.get("serves", []))]
        only = [entry.get("operator_only", []) for entry in served if entry["service"] == service]
        return [name for names in only for name in cast("list[str]", names)]

    def _side(self, message: Descriptor) -> str:
        return self._link(message) if message.fields else "nothing"

    def _options(self) -> str:
        rows = [
            (f"`{name}`", _SCALARS[extension.type], self._comment(extension.full_name))
            for file in self._package.files
            for name, extension in file.extensions_by_name.items()
        ]
        return "## Options of fields\n\n" + table(("Option", "Type", "Meaning"), rows) if rows else ""

    def _message(self, message: Descriptor) -> str:
        rows = [(f"`{field.name}`", self._type(field), self._meaning(field)) for field in message.fields]
        name = message.full_name
        carriers = [topic for topic in self._topics if name in asyncapi.types_of(topic)]
        links = " and ".join(f"[`{topic['name']}`](topics.md)" for topic in carriers)
        travels = f"An event on {links}.\n\n" if carriers else ""
        fields = table(("Field", "Type", "Meaning"), rows)
        return f"### {message.name}\n\n{self._sentence(name)}{travels}{fields}{_event_example(name)}"

    def _enum(self, enum: EnumDescriptor) -> str:
        rows = [
            (f"`{value.name}`", str(value.number), self._comment(f"{enum.full_name}.{value.name}"))
            for value in enum.values
        ]
        return f"### {enum.name}\n\n{self._sentence(enum.full_name)}" + table(("Value", "Number", "Meaning"), rows)

    def _type(self, field: FieldDescriptor) -> str:
        value = contracts.map_value(field)
        if value is not None:
            return f"map of {self._single(value)}"
        return f"list of {self._single(field)}" if field.is_repeated else self._single(field)

    def _single(self, field: FieldDescriptor) -> str:
        named = field.message_type or field.enum_type
        if named is None:
            return _SCALARS[field.type]
        return "moment" if named.full_name == "google.protobuf.Timestamp" else self._link(named)

    def _link(self, named: Descriptor | EnumDescriptor) -> str:
        if isinstance(named, Descriptor) and not named.fields:
            return f"{named.name} (empty)"
        context = named.full_name.split(".")[1]
        page = "" if context == self._package.context else f"{context}.md"
        return f"[{named.name}]({page}#{named.name.lower()})"

    def _meaning(self, field: FieldDescriptor) -> str:
        choice = f"One of `{field.containing_oneof.name}`." if field.containing_oneof is not None else ""
        personal = "**Personal.**" if field.GetOptions().Extensions[options_pb2.personal] else ""
        return " ".join(filter(None, (personal, choice, self._comment(field.full_name))))

    def _sentence(self, name: str) -> str:
        return f"{self._comment(name)}\n\n" if self._comment(name) else ""

    def _comment(self, name: str) -> str:
        return self._comments.get(name, "")


def _event_example(name: str) -> str:
    """The example's values, or a link to them where they are long or a variant."""
    shown, others = "", []
    for variant, path in contracts.examples(name):
        values = path.read_text(encoding="utf-8").strip()
        if not variant and values.count("\n") < LONGEST_EXAMPLE:
            shown = f"```json\n{values}\n```\n\n"
        else:
            others.append(f"[{variant or 'example'}](../../protos/examples/{path.name})")
    return shown + (f"More: {', '.join(others)}.\n\n" if others else "")


def _services(manifest: Entry, side: str, pod: str = "") -> list[str]:
    """Services that a side of the manifest names; with `pod`, of that callee only."""
    entries = [each for each in cast("list[Entry]", manifest.get(side, [])) if not pod or each["pod"] == pod]
    return [str(name) for entry in entries for name in cast("list[str]", entry.get("services", [entry.get("service")]))]


def _errors(told: str) -> str:
    """`NOT_FOUND citizen-unknown` with the status linked and the slugs marked."""
    cells = []
    for part in filter(None, (part.strip(" .") for part in told.split(";"))):
        status, _, slugs = part.partition(" ")
        marked = ", ".join(f"`{slug.strip()}`" for slug in slugs.split(","))
        cells.append(f"[{status}](README.md#errors) {marked}")
    return "; ".join(cells)
