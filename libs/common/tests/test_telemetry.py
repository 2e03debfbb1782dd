"""Names are declared before use; spans tell codes and types, never words."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from machi_sdk.telemetry import (
    carried,
    counter,
    current_trace_id,
    declare,
    declared,
    histogram,
    joint_span,
    remote_span,
    span,
)

ROOT = Path(__file__).parents[3]
SOURCES = sorted(path for part in ("libs", "services", "examples") for path in ROOT.glob(f"{part}/*/src/**/*.py"))
USES = ("counter", "gauge", "histogram")


def calls(names: tuple[str, ...]) -> Iterator[tuple[Path, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield path, node


@cache
def constants(distribution: Path) -> dict[str, str]:
    """Module-level texts of one distribution, by their names."""
    found: dict[str, str] = {}
    for path in distribution.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    found[name] = text
    return found


def value_of(path: Path, node: ast.expr) -> object:
    """What an argument stands for: a literal, or a constant of its distribution."""
    if isinstance(node, ast.Name):
        distribution = next(parent for parent in path.parents if parent.name == "src")
        return constants(distribution)[node.id]
    return ast.literal_eval(node)


def declarations() -> dict[str, tuple[str, int]]:
    """Kind and number of labels per name, wherever it is declared."""
    found: dict[str, tuple[str, int]] = {}
    for path, call in calls(("declare",)):
        name, kind, labels, about = (value_of(path, argument) for argument in call.args)
        assert isinstance(name, str)
        assert isinstance(kind, str)
        assert isinstance(labels, tuple)
        assert about, f"{path}: {name} says nothing about itself"
        assert found.setdefault(name, (kind, len(labels))) == (kind, len(labels)), f"{path}: {name} is declared twice"
    return found


def test_every_name_in_use_is_declared_with_that_kind() -> None:
    known = declarations()
    for path, call in calls(USES):
        assert isinstance(call.func, ast.Name)
        name = value_of(path, call.args[0])
        assert known.get(str(name), ("nothing",))[0] == call.func.id, f"{path}:{call.lineno}: {name} is not declared so"


def test_every_declared_name_is_in_use() -> None:
    used = {value_of(path, call.args[0]) for path, call in calls(USES)}
    assert set(declarations()) - used == set()


def test_labels_are_as_many_as_declared() -> None:
    known = declarations()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "labels"):
                continue
            metric = node.func.value
            plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
            if isinstance(metric, ast.Call) and isinstance(metric.func, ast.Name) and metric.func.id in USES and plain:
                name = str(value_of(path, metric.args[0]))
                assert known[name][1] == len(node.args), f"{path}:{node.lineno}: {name}"


def test_a_name_is_declared_once_and_used_as_its_kind() -> None:
    declare("machi_test_total", "counter", ("what",), "A counter of this test")
    declare("machi_test_total", "counter", ("what",), "A counter of this test")
    with pytest.raises(ValueError, match="twice"):
        declare("machi_test_total", "counter", ("other",), "A counter of this test")
    with pytest.raises(AssertionError):
        histogram("machi_test_total")
    with pytest.raises(KeyError):
        counter("machi_never_declared_total")
    assert "machi_test_total" in {entry.name for entry in declared()}


def test_a_trace_goes_on_where_its_headers_arrive() -> None:
    with span("here"):
        trace_id, headers = current_trace_id(), carried()
    assert current_trace_id() == ""
    with remote_span("there", headers):
        assert current_trace_id() == trace_id
    with remote_span("elsewhere", {}):
        assert current_trace_id() not in ("", trace_id)


def test_without_a_collector_there_are_ids_and_nothing_is_recorded() -> None:
    program = """
from machi_sdk.telemetry import carried, current_trace_id, remote_span, span, start_tracing
start_tracing("toy", "")
with span("here") as started:
    print(started.is_recording(), len(current_trace_id()), started.get_span_context().trace_flags.sampled)
    with remote_span("there", carried()):
        trace_id = current_trace_id()
    print(trace_id == current_trace_id())
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "32", "False", "True"]


def test_work_on_many_records_is_linked_to_the_traces_of_those_that_are_sampled() -> None:
    origins = [f"00-{number:032x}-{number:016x}-{flag}" for number in range(1, 101) for flag in ("01", "00")]
    with joint_span("batch", ({"traceparent": origin} for origin in [*origins, "nonsense", ""])) as started:
        assert isinstance(started, ReadableSpan)
        assert [link.context.trace_id for link in started.links] == list(range(1, 33))
        assert started.parent is None


def test_a_span_learns_the_type_of_an_error_not_its_words() -> None:
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.raises(ValueError, match="花子"), remote_span("outer", {}), span("inner", case="42"):
        raise ValueError("福岡花子")
    told = " ".join(finished.to_json() for finished in exporter.get_finished_spans())
    assert "ValueError" in told
    assert "花子" not in told
    assert "\\u82b1" not in told
    exporter.shutdown()
