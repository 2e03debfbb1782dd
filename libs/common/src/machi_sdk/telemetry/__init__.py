"""Logs, metrics, and traces: one start for every pod, names declared before use."""

from machi_sdk.telemetry.logs import get_logger, start_logging
from machi_sdk.telemetry.metrics import counter, declare, declared, gauge, histogram
from machi_sdk.telemetry.traces import (
    carried,
    current_trace_id,
    joint_span,
    remote_span,
    span,
    start_tracing,
)
from machi_sdk.telemetry.waiting import Waiting

__all__ = [
    "Waiting",
    "carried",
    "counter",
    "current_trace_id",
    "declare",
    "declared",
    "gauge",
    "get_logger",
    "histogram",
    "joint_span",
    "remote_span",
    "span",
    "start_logging",
    "start_tracing",
]
