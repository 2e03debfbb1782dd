"""Following a page of docs/ step by step, in a copy of the repository and as if in one terminal."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.architecture.house import ROOT, files


class Page:
    """A page with numbered steps, `### 1. …`."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / name).read_text(encoding="utf-8")

    def section(self, number: int) -> str:
        """One step."""
        found = re.search(rf"^### {number}\. .*?(?=^##|\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, f"no step {number}"
        return found.group()

    def blocks(self, number: int, kind: str = "sh") -> list[str]:
        """A step's code blocks of one kind."""
        return re.findall(rf"^```{kind}\n(.*?)^```", self.section(number), re.MULTILINE | re.DOTALL)

    def commands(self, number: int) -> str:
        """What a step tells to run."""
        found = self.blocks(number)
        assert found, f"nothing to run in step {number}"
        return "".join(found)


@dataclass(frozen=True)
class Copy:
    """The repository as it would be committed, without its history and with this environment's packages."""

    tree: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, script: str, *, fails: bool = False) -> str:
        """Run a script where the one before left off; returns what it printed.

        The copy's code comes before the installed one.
        """
        rooms = ("libs", "services", "examples", "tools")
        sources = [str(path) for room in rooms for path in sorted(self.tree.glob(f"{room}/*/src"))]
        protos = self.tree / "protos" / "gen" / "python" / "src"
        paths = os.pathsep.join([str(self.tree), *sources, str(protos)])
        # PYTHON=true: `make setup` would install the copy over the packages that both share.
        environment = {**os.environ, **self.environment, "PYTHONPATH": paths, "PYTHON": "true"}
        for name in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "CI", "MAKEFLAGS", "MAKELEVEL"):
            environment.pop(name, None)
        left = self.tree.parent / "left-in"
        here = left.read_text(encoding="utf-8").strip() if left.exists() else self.tree
        command = ["bash", "-euc", f"trap 'pwd > {shlex.quote(str(left))}' EXIT\n{script}"]
        done = subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert (done.returncode != 0) is fails, f"{script}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
        return done.stdout if not fails else done.stdout + done.stderr

    def commit(self) -> None:
        """Make what is there now the beginning."""
        me = "-c user.name=test -c user.email=test@example.invalid"
        self.run(f"git add -A && git {me} commit -q -m all")

    def changes(self) -> str:
        """What git sees that was not there at the beginning."""
        return self.run("git status --short")


@contextmanager
def copied(folder: Path, **environment: str) -> Iterator[Copy]:
    """A copy that is deleted at the end."""
    tree = folder / "machi"
    for path in files():
        target = tree / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    for link in (path for path in ROOT.glob("deploy/helm/*/charts/*") if path.is_symlink()):
        target = tree / link.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(link.readlink())
    (tree / ".venv").symlink_to(ROOT / ".venv")
    made = Copy(tree, environment)
    made.run("git init -q && echo .venv >> .git/info/exclude")
    made.commit()
    yield made
    shutil.rmtree(tree)
