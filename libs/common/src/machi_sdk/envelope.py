"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_` headers, a protobuf as the body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import import_module
from typing import NamedTuple, TypeAlias

import orjson
from google.protobuf import symbol_database
from google.protobuf.message import DecodeError, Message

from machi_sdk.errors import Invalid
from machi_sdk.sql import storable
from machi_sdk.telemetry import carried

_TYPE_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*\.[A-Z][A-Za-z0-9_]*", re.ASCII)
_LONGEST_TYPE = 200  # importing a package goes one call deeper for each part of its name
# As Kafka has them, whoever wrote them.
Headers: TypeAlias = Sequence[tuple[str, bytes | None]]


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


def text_headers(headers: Headers) -> dict[str, str]:
    """Headers as text; what is no UTF-8, or no text that PostgreSQL keeps, is replaced."""
    return {storable(name): _text(value) for name, value in headers}


def _text(value: bytes | None) -> str:
    return storable((value or b"").decode("utf-8", "replace"))


@cache
def message_class(full_name: str, modules: tuple[str, ...]) -> type[Message]:
    """The generated class of a type, importing the modules that may define it."""
    for module in modules:
        import_module(module)
    found: type[Message] = symbol_database.Default().GetSymbol(full_name)
    return found


def decode(topic: str, key: bytes | None, headers: Headers, payload: bytes) -> Received:
    """Read one record; Invalid (with a slug free of content) when it is none of ours."""
    found = dict(headers)
    event_id = _text(found.get("ce_id"))
    if not event_id:
        raise Invalid("envelope-incomplete")
    name, kind = _event_class(found.get("ce_type"))
    try:
        event = kind.FromString(payload)
        at = _moment(found.get("ce_time"))
    except (DecodeError, ValueError) as error:
        raise Invalid("event-not-readable") from error
    trace = _trace(found.get("traceparent"), found.get("tracestate"))
    return Received(event, event_id, name, _tenant(found.get("ce_tenant")), _text(key), at, topic, trace)


@cache
def _event_class(said: bytes | None) -> tuple[str, type[Message]]:
    name = _text(said)
    if not name:
        raise Invalid("envelope-incomplete")
    if len(name) > _LONGEST_TYPE or not _TYPE_NAME.fullmatch(name):
        raise Invalid("event-type-unknown")
    try:
        return name, message_class(name, (f"{name.rsplit('.', 1)[0]}.events_pb2",))
    except (KeyError, ImportError) as error:
        raise Invalid("event-type-unknown") from error


# Records in a row are often of one tenant and one commit.
_tenant = lru_cache(maxsize=64)(_text)


@lru_cache(maxsize=64)
def _trace(parent: bytes | None, state: bytes | None) -> Mapping[str, str]:
    given = {"traceparent": parent, "tracestate": state}
    return {name: _text(value) for name, value in given.items() if value is not None}


def _moment(said: bytes | None) -> datetime:
    if said is None:
        return datetime.now(UTC)
    moment = datetime.fromisoformat(said.decode())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
