"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_` headers, a protobuf as the body."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import import_module
from typing import NamedTuple

import orjson
from google.protobuf import symbol_database
from google.protobuf.message import DecodeError, Message

from machi_sdk.errors import Invalid
from machi_sdk.telemetry import carried

_TYPE_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*\.[A-Z][A-Za-z0-9_]*", re.ASCII)
_TRACE = ("traceparent", "tracestate")
_LONGEST_TYPE = 200  # importing a package goes one call deeper for each part of its name


class Received(NamedTuple):
    """One decoded record."""

    event: Message
    event_id: str
    type: str
    tenant: str
    key: str
    occurred_at: datetime
    topic: str
    trace: Mapping[str, str]

    @property
    def trace_id(self) -> str:
        """The trace the event came with, 32 hex digits; empty when it came with none."""
        parts = self.trace.get("traceparent", "").split("-")
        return parts[1] if len(parts) == 4 else ""


@dataclass(frozen=True)
class Provenance:
    """Who says so and when: the attributes every event carries."""

    event_id: str
    source: str
    tenant: str
    at: datetime


class Shared:
    """What events of one type, pod, tenant, and trace have in their headers alike."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self.json = orjson.dumps(headers).decode()

    def whole(self, event_id: str, at: str) -> dict[str, str]:
        """The headers of one such event, which happened at an ISO 8601 moment."""
        return {**self._headers, "ce_id": event_id, "ce_time": at}


def shared_headers(event: Message, source: str, tenant: str) -> Shared:
    """What the event's headers, with the present trace, share with others."""
    return _shared(event.DESCRIPTOR.full_name, source, tenant, tuple(carried().items()))


@lru_cache(maxsize=64)
def _shared(name: str, source: str, tenant: str, trace: tuple[tuple[str, str], ...]) -> Shared:
    own = {"ce_specversion": "1.0", "ce_source": f"/machi/{source}", "ce_type": name, "ce_tenant": tenant}
    return Shared({**own, "content-type": f"application/protobuf; type={name}", **dict(trace)})


def headers_of(event: Message, provenance: Provenance) -> dict[str, str]:
    """The record's headers, with the present trace."""
    shared = shared_headers(event, provenance.source, provenance.tenant)
    return shared.whole(provenance.event_id, provenance.at.isoformat())


def wire_headers(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Headers as Kafka takes them."""
    return [(name, value.encode()) for name, value in headers.items()]


def text_headers(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text; what is no UTF-8, or no text that PostgreSQL keeps, is replaced."""
    found = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
    if "\0" not in "".join(found) and "\0" not in "".join(found.values()):
        return found
    return {_keepable(name): _keepable(value) for name, value in found.items()}


def _keepable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


@cache
def message_class(full_name: str, modules: tuple[str, ...]) -> type[Message]:
    """The generated class of a type, importing the modules that may define it."""
    for module in modules:
        import_module(module)
    found: type[Message] = symbol_database.Default().GetSymbol(full_name)
    return found


def decode(topic: str, key: bytes | None, headers: Mapping[str, str], payload: bytes) -> Received:
    """Read one record; Invalid (with a slug free of content) when it is none of ours."""
    name = headers.get("ce_type", "")
    if not name or not headers.get("ce_id"):
        raise Invalid("envelope-incomplete")
    kind = _event_class(name)
    try:
        event = kind.FromString(payload)
        at = _moment(headers["ce_time"]) if "ce_time" in headers else datetime.now(UTC)
    except (DecodeError, ValueError) as error:
        raise Invalid("event-not-readable") from error
    trace = {name: headers[name] for name in _TRACE if name in headers}
    return Received(
        event,
        headers["ce_id"],
        name,
        headers.get("ce_tenant", ""),
        (key or b"").decode("utf-8", "replace"),
        at,
        topic,
        trace,
    )


@cache
def _event_class(name: str) -> type[Message]:
    if len(name) > _LONGEST_TYPE or not _TYPE_NAME.fullmatch(name):
        raise Invalid("event-type-unknown")
    try:
        return message_class(name, (f"{name.rsplit('.', 1)[0]}.events_pb2",))
    except (KeyError, ImportError) as error:
        raise Invalid("event-type-unknown") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
