"""The table of planted bugs fits the tree; planting them is `python -m tests.planted`."""

from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.planted.bugs import BUGS, Bug, Edit
from tests.planted.planting import CannotPlant, plant

every_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)


def test_there_are_enough_and_each_has_a_name() -> None:
    assert len(BUGS) >= 8
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@every_bug
def test_search_texts_fit(bug: Bug, tmp_path: Path) -> None:
    for edit in bug.edits:
        copy = tmp_path / edit.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            copy.write_bytes((ROOT / edit.path).read_bytes())
        plant(tmp_path, edit)


@every_bug
def test_named_test_exists(bug: Bug) -> None:
    place, _, name = bug.test.partition("::")
    assert f"def {name}(" in (ROOT / place).read_text(encoding="utf-8")


@pytest.mark.parametrize("search", ["nothing like this", "a"])
def test_a_text_that_does_not_fit_exactly_once_is_an_error(search: str, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("a = 1\nab = a\n", encoding="utf-8")
    with pytest.raises(CannotPlant):
        plant(tmp_path, Edit("code.py", search, "b"))
