"""Files as a whole: no addresses in locks, no place of one machine, every copied file attributed."""

import re
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, files, generated, python_sources, text_of

LOCAL = re.compile(
    r"(?<![\w.:/<})-])/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers")) + r")(?:/|\b)"
)
ADDRESS = re.compile(r"https?://|git\+|file:|--(?:extra-)?index-url|--find-links|registry\.|pypi|\.npmjs\.")
MARKS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
SILENCED = re.compile(r"# no" + r"qa\b(?!: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* \(\w.*\))")
# Tests give half-made things on purpose; everywhere else the type checker is contradicted for a reason.
IGNORED = re.compile(r"# type: ig" + r"nore(?!\[[a-z, -]+\] {1,2}# \w)")
DATA_FOLDERS = {"data"}
COPIED_KINDS = {".geojson", ".csv", ".xsd", ".ttf", ".otf", ".woff2", ".jpg", ".jpeg"}


def locks() -> list[Path]:
    """Files that pin dependencies."""
    return [path for path in files() if path.suffix == ".lock" or "lock" in path.stem.lower().split("-")]


def test_there_are_locks() -> None:
    assert ROOT / "requirements.lock" in locks()


@pytest.mark.parametrize("path", [path for path in locks() if path.suffix in {".lock", ".json", ".yaml"}], ids=str)
def test_locks_hold_no_address(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if ADDRESS.search(line)]


def test_locks_pin_by_hash() -> None:
    pinned = 0
    for path in locks():
        if path.suffix == ".lock":
            parts = re.split(r"^(?=\S+==)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
            pinned += len(parts)
            assert not [part.split()[0] for part in parts if "--hash=sha256:" not in part], path.name
    assert pinned


def test_no_file_names_a_place_of_one_machine() -> None:
    wrong = []
    for path in files():
        text = text_of(path)
        if text is None or generated(path):
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            if LOCAL.search(line)
        ]
    assert not wrong


def test_nothing_is_left_to_do_in_the_code() -> None:
    wrong = []
    for path in files():
        text = text_of(path)
        if text is not None and path.suffix in {".py", ".proto", ".yaml", ".md", ".html", ".js"} and MARKS.search(text):
            wrong.append(str(path.relative_to(ROOT)))
    assert not wrong


def test_every_silenced_warning_has_its_reason() -> None:
    wrong = [
        f"{source.place}:{number}"
        for source in python_sources()
        for number, line in enumerate(source.text.splitlines(), 1)
        if SILENCED.search(line) or (IGNORED.search(line) and not source.is_test)
    ]
    assert not wrong


def copied() -> list[Path]:
    """Files that come, or may come, from elsewhere: folders of data, and kinds nobody here writes by hand."""
    found = []
    for path in files():
        parts = path.relative_to(ROOT).parts[:-1]
        if (DATA_FOLDERS & set(parts) or path.suffix in COPIED_KINDS) and path.name != "ATTRIBUTION.md":
            found.append(path)
    return found


def attributed(path: Path) -> bool:
    """Whether an ATTRIBUTION.md beside or above names the file by its path from there."""
    notes = (folder / "ATTRIBUTION.md" for folder in path.parents if folder.is_relative_to(ROOT))
    return any(
        str(path.relative_to(note.parent)) in note.read_text(encoding="utf-8") for note in notes if note.exists()
    )


def test_every_data_file_is_attributed() -> None:
    assert not [str(path.relative_to(ROOT)) for path in copied() if not attributed(path)]


def test_no_file_is_huge() -> None:
    assert not [str(path.relative_to(ROOT)) for path in files() if path.stat().st_size > 3_000_000]
