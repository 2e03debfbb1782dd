"""The tests themselves: they wait for conditions, share by fixtures, and use no mocks of our own code."""

import ast

from tests.architecture import rules
from tests.architecture.house import Source, calls, imports, python_sources


def of_tests() -> list[Source]:
    """Every file of tests."""
    return [source for source in python_sources() if source.is_test]


def test_none_waits_for_time() -> None:
    wrong = [f"{source.place}: {wrong}" for source in of_tests() for wrong in rules.unconditional_sleeps(source.tree)]
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
        for call in calls(source.tree, "setattr"):
            owner = call.func.value if isinstance(call.func, ast.Attribute) else None
            place = ast.unparse(call.args[0]).strip("'")
            pace = place.rsplit(".", 1)[-1].isupper()  # how long a pause lasts is no code
            if isinstance(owner, ast.Name) and owner.id == "monkeypatch" and "machi" in place and not pace:
                wrong.append(f"{source.place}:{call.lineno}")
    assert not wrong
