"""W3C trace context over webhook, Kafka, rpc, and database; exported when an OTLP endpoint is set."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("machi")
_MOST_LINKS = 32


def start_tracing(pod: str, endpoint: str) -> None:
    """Install the tracer; without an endpoint there are ids (for headers, hops, logs), and nothing is recorded."""
    resource = Resource.create({"service.name": pod})
    provider = TracerProvider(None if endpoint else ALWAYS_OFF, resource)
    if endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 (heavy)
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 (heavy)

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)


def span(name: str, **attributes: str | int) -> AbstractContextManager[Span]:
    """A span in the present trace; attributes are ids and codes, never personal data."""
    return _current(_tracer.start_span(name, attributes=attributes))


def remote_span(
    name: str, carrier: Mapping[str, str], kind: SpanKind = SpanKind.CONSUMER, **attributes: str | int
) -> AbstractContextManager[Span]:
    """A span in the trace that the carrier (headers with traceparent) names, or in a new one."""
    parent = _propagator.extract(carrier, context=otel_context.Context())
    return _current(_tracer.start_span(name, context=parent, kind=kind, attributes=attributes))


def joint_span(name: str, carriers: Iterable[Mapping[str, str]]) -> AbstractContextManager[Span]:
    """A span of its own for work on many records, linked to the first 32 of their origins that are sampled."""
    distinct = {carrier.get("traceparent"): carrier for carrier in carriers}.values()
    origins = (trace.get_current_span(_propagator.extract(carrier)).get_span_context() for carrier in distinct)
    links = [
        trace.Link(origin) for origin in islice((each for each in origins if each.trace_flags.sampled), _MOST_LINKS)
    ]
    return _current(_tracer.start_span(name, otel_context.Context(), SpanKind.CONSUMER, links=links))


@contextmanager
def _current(started: Span) -> Iterator[Span]:
    """Make the span the present one. Of an exception it learns the type only: its words may be somebody's."""
    before = otel_context.attach(trace.set_span_in_context(started))
    try:
        yield started
    except Exception as error:
        started.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        otel_context.detach(before)
        started.end()


def carried() -> dict[str, str]:
    """Headers that carry the present trace on."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    headers = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}
    return headers | {"tracestate": context.trace_state.to_header()} if context.trace_state else headers


def current_trace_id() -> str:
    """The present trace id as 32 hex digits; empty outside a trace."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""
