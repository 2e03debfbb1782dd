"""W3C trace context over webhook, Kafka, rpc, and database; exported when an OTLP endpoint is set."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("machi")


def start_tracing(pod: str, endpoint: str) -> None:
    """Install the tracer; without an endpoint spans are made (for their ids) and not exported."""
    provider = TracerProvider(resource=Resource.create({"service.name": pod}))
    if endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 (heavy)
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[Span]:
    """A span in the present trace; attributes are ids and codes, never personal data."""
    with _tracer.start_as_current_span(name, attributes=attributes) as current:
        yield current


@contextmanager
def remote_span(name: str, carrier: Mapping[str, str], kind: SpanKind = SpanKind.CONSUMER) -> Iterator[Span]:
    """A span in the trace that the carrier (headers with traceparent) names, or in a new one."""
    parent = _propagator.extract(carrier, context=otel_context.Context())
    with _tracer.start_as_current_span(name, context=parent, kind=kind) as current:
        yield current


def carried() -> dict[str, str]:
    """Headers that carry the present trace on."""
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    return headers


def current_trace_id() -> str:
    """The present trace id as 32 hex digits; empty outside a trace."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""
