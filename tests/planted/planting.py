"""A copy of the tree in which bugs can be planted, and tests run."""

import ast
import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.architecture.house import ROOT, files
from tests.planted.bugs import Bug, Edit

TEST_SECONDS = 300


class CannotPlant(Exception):
    """The table and the tree do not fit any more."""


@dataclass(frozen=True)
class Verdict:
    """What a run of one test said."""

    failures: int
    errors: int
    passes: int
    output: str

    @property
    def is_green(self) -> bool:
        """Something ran, and all of it passed."""
        return self.passes > 0 and not self.failures and not self.errors

    @property
    def is_red(self) -> bool:
        """The test itself failed; a test that could not run says nothing."""
        return self.failures > 0 and not self.errors


@dataclass(frozen=True)
class Garden:
    """The copy."""

    root: Path

    def run(self, test: str) -> Verdict:
        """Run one test (all its parameters) in the copy."""
        report = self.root / ".planted.xml"
        report.unlink(missing_ok=True)
        command = [str(self.python), "-m", "pytest", "-q", "-x", "-p", "no:randomly", f"--junitxml={report}", test]
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=TEST_SECONDS,
        )
        return _verdict(report, done.stdout + done.stderr)

    @contextmanager
    def planted(self, bug: Bug) -> Iterator[None]:
        """The copy with the bug in it; raises CannotPlant when a search text does not fit."""
        before = {edit.path: (self.root / edit.path).read_bytes() for edit in bug.edits}
        try:
            for edit in bug.edits:
                plant(self.root, edit)
            yield
        finally:
            for path, content in before.items():
                (self.root / path).write_bytes(content)

    @property
    def python(self) -> Path:
        """The copy's own Python: even a process that is told to ignore its environment imports the copy."""
        return self.root / ".venv" / "bin" / "python"

    def equip(self) -> None:
        """Make that Python: the copy's sources first, then everything that is installed here."""
        venv.create(self.root / ".venv", symlinks=True, with_pip=False)
        (packages,) = (self.root / ".venv").glob("lib/python*/site-packages")
        sources = [str(path) for path in (*sorted(self.root.glob("*/*/src")), self.root / "protos/gen/python/src")]
        installed = sysconfig.get_path("purelib")
        lines = [*sources, f"import site; site.addsitedir({installed!r})"]
        (packages / "planted.pth").write_text("\n".join(lines), encoding="utf-8")

    def uses_its_own_code(self) -> bool:
        """Whether Python, run in the copy, imports the copy."""
        command = [str(self.python), "-I", "-c", "import machi_sdk; print(machi_sdk.__file__)"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True, timeout=60)
        return Path(done.stdout.strip()).is_relative_to(self.root)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def plant(root: Path, edit: Edit) -> None:
    """Make one replacement; CannotPlant unless the text is there exactly once and Python can read the result."""
    path = root / edit.path
    if not path.is_file():
        raise CannotPlant(f"{edit.path} is gone")
    text = path.read_text(encoding="utf-8")
    count = text.count(edit.search)
    if count != 1:
        raise CannotPlant(f"{edit.path} has the text {count} times, not once:\n{edit.search}")
    changed = text.replace(edit.search, edit.replace)
    if path.suffix == ".py":
        try:
            ast.parse(changed, edit.path)
        except SyntaxError as error:
            raise CannotPlant(f"{edit.path} is no Python with the change: {error}") from error
    path.write_text(changed, encoding="utf-8")


def copy_tree(target: Path) -> Garden:
    """Copy every file that git keeps or would keep."""
    for path in files():
        place = target / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    garden = Garden(target.resolve())
    garden.equip()
    if not garden.uses_its_own_code():
        raise CannotPlant("the copy would test the original code")
    return garden


def _verdict(report: Path, output: str) -> Verdict:
    if not report.exists():
        return Verdict(0, 1, 0, output)
    suites: Sequence[ElementTree.Element] = ElementTree.parse(report).getroot().findall("testsuite")
    count = {
        kind: sum(int(suite.get(kind, "0")) for suite in suites) for kind in ("tests", "failures", "errors", "skipped")
    }
    passes = count["tests"] - count["failures"] - count["errors"] - count["skipped"]
    return Verdict(count["failures"], count["errors"], passes, output)
