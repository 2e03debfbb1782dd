"""Tests that need the running stack stay together; under CI a skipped test is a failed one, unless it is allowed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from xdist.remote import Producer  # type: ignore[import-untyped]  # xdist has no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist has no types

from tests.loopback import loopback_only

# A busy machine is no failure: no property is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# Spans are recorded, as where a collector is named; the first provider of a process stays.
trace.set_tracer_provider(TracerProvider())
# Test ids with a reason each.
_ALLOWED = Path(__file__).parent / "tests" / "allowed-skips.txt"
# A worker runs all tests that share a stack, one after another: what goes wrong on purpose has a stack of its own.
_ON_A_STACK = {"tests/": "stack", "tests/endurance/": "troubled stack", "tests/faults/": "troubled stack"}
_WITHOUT_STACK = ("tests/architecture/", "tests/charts/", "tests/fuzz/", "tests/monitoring/")


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """No test reaches the network by accident."""
    with loopback_only():
        yield


class Skips:
    """What was skipped, by id, wherever it ran."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember it; an expected failure is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run for skips that nobody allowed."""
        lines = _ALLOWED.read_text(encoding="utf-8").splitlines()
        allowed = {line.split(" | ")[0] for line in lines if line and not line.startswith("#")}
        refused = sorted(set(self._skipped) - allowed)
        if os.environ.get("CI") and refused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            raise pytest.UsageError(f"skipped under CI and not in tests/allowed-skips.txt: {', '.join(refused)}")


def pytest_configure(config: pytest.Config) -> None:
    """Skips are judged once, by the process that gathers all reports."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Skips())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests on stacks take the longest, so they come first."""
    items.sort(key=lambda item: _scope(item.nodeid) not in _ON_A_STACK.values())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Beside that one, a worker takes a file at a time."""
    return Scopes(config, log)


class Scopes(LoadScopeScheduling):  # type: ignore[misc]  # nor has its class
    """What stays together on a worker."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def _scope(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    if path.startswith(_WITHOUT_STACK):
        return path
    folders = [folder for folder in _ON_A_STACK if path.startswith(folder)]
    return _ON_A_STACK[max(folders, key=len)] if folders else path
