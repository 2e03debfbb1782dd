"""Under CI a skipped test is a failed one, unless tests/allowed-skips.txt names it with a reason."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: no property is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
_ALLOWED = Path(__file__).parent / "tests" / "allowed-skips.txt"
_skipped = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing skipped."""
    config.stash[_skipped] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what was skipped; an expected failure is none."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        item.config.stash[_skipped].append(item.nodeid)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for skips that nobody allowed."""
    lines = _ALLOWED.read_text(encoding="utf-8").splitlines()
    allowed = {line.split(" | ")[0] for line in lines if line and not line.startswith("#")}
    refused = [name for name in session.config.stash[_skipped] if name not in allowed]
    if os.environ.get("CI") and refused and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError(f"skipped under CI and not in tests/allowed-skips.txt: {', '.join(refused)}")
