"""Metrics: declared before use, by the names they are used under, with few and closed labels."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.architecture.house import Source, calls, constants, literal, python_sources

KINDS = ("counter", "gauge", "histogram")
PERSONAL_LABELS = {
    "citizen",
    "citizen_id",
    "address",
    "user",
    "user_id",
    "name",
    "staff_id",
    "case_number",
    "words",
    "text",
}


def own(source: Source) -> str:
    """The distribution a file belongs to, such as services/reports."""
    return "/".join(source.place.split("/")[:2])


def sources() -> list[Source]:
    """Files that run in a pod."""
    return [
        source
        for source in python_sources()
        if not source.is_test and source.place.startswith(("libs/", "services/", "examples/"))
    ]


@cache
def known_names(distribution: str) -> dict[str, str]:
    """Module-level texts of a distribution."""
    return constants([source for source in sources() if own(source) == distribution])


def names(source: Source, function: str) -> Iterator[tuple[ast.Call, str | None]]:
    """Calls of a telemetry function with the metric each names."""
    for call in calls(source.tree, function):
        if call.args:
            yield call, literal(call.args[0], {**known_names(own(source)), **constants([source])})


def declared() -> dict[str, tuple[str, Source, ast.Call]]:
    """Every declaration by metric name: kind, where, and the call."""
    found: dict[str, tuple[str, Source, ast.Call]] = {}
    for source in sources():
        for call, name in names(source, "declare"):
            if name is not None and len(call.args) == 4 and isinstance(call.args[1], ast.Constant):
                assert name not in found, f"{name} is declared twice"
                found[name] = (str(call.args[1].value), source, call)
    return found


def used() -> Iterator[tuple[Source, ast.Call, str, str]]:
    """Every use: where, the call, the kind, the metric."""
    for source in sources():
        if source.path.name == "metrics.py":
            continue
        for kind in KINDS:
            for call, name in names(source, kind):
                assert name is not None, (
                    f"{source.place}:{call.lineno} names its metric by something else than a constant"
                )
                yield source, call, kind, name


def test_every_metric_used_is_declared() -> None:
    known = declared()
    wrong = [
        f"{source.place}:{call.lineno} {kind} {name}"
        for source, call, kind, name in used()
        if name not in known or known[name][0] != kind
    ]
    assert not wrong


def test_every_metric_declared_is_used() -> None:
    assert set(declared()) - {name for _, _, _, name in used()} == set()


def test_declarations_say_what_they_count_and_name_their_unit() -> None:
    for name, (kind, source, call) in declared().items():
        about = call.args[3]
        assert isinstance(about, ast.Constant), source.place
        assert len(str(about.value)) > 10, name
        if kind == "histogram":
            assert name.endswith("_seconds"), name
        if kind == "counter":
            assert name.endswith("_total"), name


def test_labels_name_no_person() -> None:
    for name, (_, _, call) in declared().items():
        labels = ast.literal_eval(call.args[2])
        assert not set(labels) & PERSONAL_LABELS, name


def test_labels_are_given_in_the_declared_number() -> None:
    known = {name: len(ast.literal_eval(call.args[2])) for name, (_, _, call) in declared().items()}
    wrong = []
    for source in sources():
        for call in calls(source.tree, "labels"):
            metric = call.func.value if isinstance(call.func, ast.Attribute) else None
            if (
                not isinstance(metric, ast.Call)
                or not metric.args
                or any(isinstance(a, ast.Starred) for a in call.args)
            ):
                continue
            name = literal(metric.args[0], {**known_names(own(source)), **constants([source])})
            if name in known and len(call.args) != known[name]:
                wrong.append(f"{source.place}:{call.lineno} {name}")
    assert not wrong


def test_log_calls_have_no_computed_text() -> None:
    wrong = []
    levels = ("debug", "info", "warning", "error", "exception")
    found = [(each, call) for each in sources() for level in levels for call in calls(each.tree, level)]
    for source, call in found:
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        logs = isinstance(owner, ast.Name) and owner.id in ("log", "logger")
        if logs and call.args and not isinstance(call.args[0], ast.Constant):
            wrong.append(f"{source.place}:{call.lineno}")
    assert not wrong
