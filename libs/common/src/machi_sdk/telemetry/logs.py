"""JSON log lines with trace id, never with personal data: log codes and ids, not words or addresses."""

import logging
import sys
import traceback
from types import TracebackType

from opentelemetry import trace

from machi_sdk.telemetry.plain_structlog import structlog

_FRAMES = 12


def _with_trace(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


def _with_failure(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Say of an exception what and where, not its words: they may be what a person wrote."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["failure"] = _chain(error)
    return event


def _chain(error: BaseException) -> list[str]:
    told: list[str] = []
    seen: set[int] = set()
    present: BaseException | None = error
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        told.append(f"{type(present).__module__}.{type(present).__name__} at {_places(present.__traceback__)}")
        present = present.__cause__ or present.__context__
    return told


def _places(frames: TracebackType | None) -> str:
    calls = traceback.extract_tb(frames)[-_FRAMES:]
    return " > ".join(f"{call.filename.rpartition('/')[2]}:{call.lineno} {call.name}" for call in calls)


def start_logging(pod: str) -> None:
    """Send every log line of the process to standard output as JSON."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        _with_failure,
        _as_from(pod),
    ]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_of_a_library, *processors],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _as_from(pod: str) -> structlog.typing.Processor:
    def add(
        _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["pod"] = pod
        return event

    return add


def _of_a_library(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep a library's message as it was written, without what was filled in."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["library"] = record.name
        event["event"] = str(record.msg).partition("\n")[0]
    return event


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """A structured logger: `log.info("what happened", key=value)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
