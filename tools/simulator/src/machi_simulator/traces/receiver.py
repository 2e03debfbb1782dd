"""A small OTLP receiver: pods send their spans here as to a collector, and it takes in what it can afford."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Status

from machi_simulator.traces.store import Span, Traces

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
EVENT = "event_id"
# About two hundred spans a second. Beyond it a batch is neither read nor refused: its answer waits, and a sender that
# waits for an answer drops spans before it has made bytes of them.
BYTES_A_SECOND = 40_000.0
BURST = 250_000.0
LONGEST_WAIT = 4.0
WORKERS = 4


class Receiver:
    """Listens on an address; `heard` is told of new spans, in another thread than the server's."""

    def __init__(self, traces: Traces, heard: Callable[[], None]) -> None:
        self._traces = traces
        self._heard = heard
        self._level = BURST
        self._at = time.monotonic()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None
        self.left_out = 0

    def open(self, address: str) -> int:
        """Begin to listen; the port that came of it."""
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self._export)
        self._server = grpc.server(ThreadPoolExecutor(WORKERS))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": method}),))
        port = self._server.add_insecure_port(address)
        self._server.start()
        return port

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        if self._server is not None:
            self._server.stop(None)

    def _export(self, raw: bytes, _context: grpc.ServicerContext) -> bytes:
        wait = self._spend(len(raw))
        if wait > 0:
            self.left_out += 1
            self._closing.wait(min(wait, LONGEST_WAIT))
        else:
            self._take(raw)
        return ExportTraceServiceResponse().SerializeToString()

    def _spend(self, size: int) -> float:
        """Zero if a batch of this size can be afforded now, else the seconds until it could."""
        with self._lock:
            now = time.monotonic()
            self._level = min(BURST, self._level + (now - self._at) * BYTES_A_SECOND)
            self._at = now
            if self._level < size:
                return (size - self._level) / BYTES_A_SECOND
            self._level -= size
            return 0.0

    def _take(self, raw: bytes) -> None:
        try:
            request = ExportTraceServiceRequest.FromString(raw)
        except DecodeError:
            return
        with self._lock:
            for resource in request.resource_spans:
                for span in _spans(resource):
                    self._traces.add(span)
        self._heard()


def _spans(found: ResourceSpans) -> Iterator[Span]:
    named = (each.value.string_value for each in found.resource.attributes if each.key == "service.name")
    pod = next(named, "")
    for scope in found.scope_spans:
        for span in scope.spans:
            event = next((each.value.string_value for each in span.attributes if each.key == EVENT), "")
            # Work on many records at once is a trace of its own, linked to those of its records.
            for trace in (span.trace_id, *(link.trace_id for link in span.links)):
                yield Span(
                    trace=trace.hex(),
                    pod=pod,
                    name=span.name,
                    begin=span.start_time_unix_nano / 1e9,
                    end=span.end_time_unix_nano / 1e9,
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    event=event,
                )
