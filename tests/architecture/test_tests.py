"""The tests themselves: they wait for conditions, share by fixtures, and use no mocks of our own code."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture import rules
from tests.architecture.house import Source, calls, imports, python_sources

# Programs that put load on a city, or a fault, for a time: no condition ends it.
FOR_A_TIME = {"tests/cluster/verify.py", "tests/endurance/records.py", "tests/endurance/reports.py"}
# Counts calls that nothing outside tells: how often the database is looked at.
COUNTED = {"libs/common/tests/test_inbound.py", "libs/common/tests/test_inbound_rows.py"}


def of_tests() -> list[Source]:
    """Every file of tests."""
    return [source for source in python_sources() if source.is_test]


def names_of(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for, in full."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                first = each.name.partition(".")[0]
                found[each.asname or first] = each.name if each.asname else first
        elif isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


def replaced(tree: ast.Module) -> Iterator[str]:
    """What of our own code `monkeypatch` sets; how long a pause lasts, and how large a portion is, is no code."""
    names = names_of(tree)
    for call in calls(tree, "setattr"):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id == "monkeypatch":
            written = ".".join(ast.unparse(each).strip("'") for each in call.args[:2])
            first, _, rest = written.partition(".")
            place = f"{names.get(first, first)}.{rest}"
            target = ast.unparse(call.args[0] if isinstance(call.args[0], ast.Constant) else call.args[1]).strip("'")
            if place.startswith("machi") and not target.rsplit(".", 1)[-1].isupper():
                yield f"{place}, line {call.lineno}"


def test_none_waits_for_time() -> None:
    waiting = [source for source in of_tests() if source.place not in FOR_A_TIME]
    wrong = [f"{source.place}: {wrong}" for source in waiting for wrong in rules.unconditional_sleeps(source.tree)]
    assert not wrong


def test_none_imports_from_conftest() -> None:
    assert not [
        source.place
        for source in of_tests()
        for module, name in imports(source.tree)
        if "conftest" in (module.rpartition(".")[2], name)
    ]


def test_none_mocks() -> None:
    wrong = [
        source.place
        for source in of_tests()
        for module, name in imports(source.tree)
        if module.startswith(("unittest.mock", "mock", "pytest_mock")) or (module == "unittest" and name == "mock")
    ]
    assert not wrong


def test_none_replaces_our_own_code() -> None:
    wrong = []
    for source in of_tests():
        wrong += [f"{source.place}: {place}" for place in replaced(source.tree) if source.place not in COUNTED]
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "monkeypatch.setattr('machi_sdk.work.Works.alone', f)",
        "from machi_sdk.work import Works\nmonkeypatch.setattr(Works, 'alone', f)",
        "from machi_sdk import work as w\nmonkeypatch.setattr(w.Works, 'alone', f)",
        "import machi_sdk.work\nmonkeypatch.setattr(machi_sdk.work, 'now', f)",
    ],
)
def test_what_is_replaced_is_found_by_any_name(text: str) -> None:
    assert list(replaced(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "import time\nmonkeypatch.setattr(time, 'time', f)",
        "from machi_sdk import work\nmonkeypatch.setattr(work, '_PAUSE', 0)",
        "monkeypatch.setattr('machi_sdk.work._PAUSE', 0)",
    ],
)
def test_a_clock_and_a_pace_may_be_set(text: str) -> None:
    assert not list(replaced(ast.parse(text)))
