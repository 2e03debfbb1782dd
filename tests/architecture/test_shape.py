"""Sizes, names, and handlers: the measurable part of the house's style."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.house import ROOT, Source, python_sources

# Where a last resort is the purpose of the code: it keeps a process alive, and says what happened.
LAST_RESORTS = {
    "libs/common/src/machi_sdk/service.py": "background work starts again; the database's state is said, not raised",
    "libs/common/src/machi_sdk/handling.py": "a failing record is counted, tried again, parked",
    "libs/common/src/machi_sdk/rpc/server.py": "the span and the metric of a bug; raised again",
    "libs/common/src/machi_sdk/telemetry/traces.py": "a failing span learns the error's type; raised again",
    "libs/common/src/machi_sdk/inbound/queue.py": "a failing event waits, then is marked failed",
    "libs/common/src/machi_sdk/rounds.py": "one municipality's trouble holds up no other",
    "libs/common/src/machi_sdk/deliveries/loop.py": "a failing delivery waits, then is given up",
    "services/reports/src/machi_reports/adapters/photo_decoder.py": "what no decoder reads is no photo",
    "libs/common/src/machi_sdk/transaction.py": "a work rolls back whatever ended it; raised again",
    "tools/machi/src/machi_tools/stack/journal.py": "marks the step as failed; raised again",
}
# Where parameters are the options of a command line.
COMMAND_LINES = {"tools/machi/src/machi_tools/cli_logs.py: logs takes 6 parameters"}
# What a query selects is for who wrote it to know.
OPEN = {"libs/common/src/machi_sdk/transaction.py: fetchval takes or returns Any"}
PERCENTILE_LINES = 25


def all_sources() -> list[Source]:
    """Files whose shape is ours, migrations of the schema included."""
    return [source for source in python_sources() if source.path.name != "bootstrap.py"]


def packages() -> list[Path]:
    """Folders of source, one per distribution."""
    return sorted(path.parent for path in ROOT.glob("*/*/src") if (path.parent / "pyproject.toml").exists())


def broken(rule: Callable[..., list[str]], sources: Iterable[Source]) -> list[str]:
    """Where a rule is broken."""
    return [f"{source.place}: {wrong}" for source in sources for wrong in rule(source.tree)]


def test_functions_are_short() -> None:
    assert not broken(rules.long_functions, all_sources())


@pytest.mark.parametrize("folder", packages(), ids=lambda folder: folder.name)
def test_most_functions_are_very_short(folder: Path) -> None:
    sources = [each for each in all_sources() if each.path.is_relative_to(folder / "src")]
    sizes = sorted(rules.body_lines(function) for each in sources for function in rules.functions(each.tree))
    assert sizes, "there is code"
    assert sizes[int(len(sizes) * 0.95) - 1] <= PERCENTILE_LINES


def test_files_are_short() -> None:
    long = [source.place for source in all_sources() if len(source.text.splitlines()) > rules.FILE_LINES]
    assert not long


def test_blocks_are_shallow() -> None:
    assert not broken(rules.deep_functions, all_sources())


def test_parameters_are_few() -> None:
    # Fixtures are parameters that pytest fills in; a servicer's signature is the protos'.
    shown = (source for source in all_sources() if not source.is_test)
    assert set(broken(rules.crowded_functions, shown)) == COMMAND_LINES


def test_modules_say_what_they_hold() -> None:
    named = [source.place for source in all_sources() if source.path.stem in rules.FORBIDDEN_MODULES]
    inside = [
        source.place
        for source in all_sources()
        if set(source.path.relative_to(ROOT).parts[2:-1]) & rules.FORBIDDEN_MODULES
    ]
    assert not named + inside


def test_only_last_resorts_catch_everything() -> None:
    found = {source.place for source in all_sources() if rules.broad_handlers(source.tree)}
    assert found == set(LAST_RESORTS)


def test_public_signatures_are_closed() -> None:
    shown = [source for source in all_sources() if not source.is_test]
    assert set(broken(rules.open_signatures, shown)) == OPEN
