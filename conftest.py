"""Tests of what is known to be missing: expected to fail, each named with its reason in tests/not-yet.txt."""

from pathlib import Path

import pytest

_LIST = Path(__file__).parent / "tests" / "not-yet.txt"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the list."""
    lines = [line for line in _LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    known = dict(line.split(" | ", 1) for line in lines)
    for item in items:
        for prefix, reason in known.items():
            if item.nodeid.startswith(prefix):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
