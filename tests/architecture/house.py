"""The repository as the architecture tests see it: its files, services, topics, and sources."""

import ast
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from machi_sdk.manifest import Manifest, load_manifest
from machi_sdk.yaml_text import read_yaml as read_yaml_file
from machi_tools.stack.plan import TENANT, offered_languages

ROOT = Path(__file__).resolve().parents[2]
POD_ROOMS = ("services", "examples")
LANGUAGES = tuple(offered_languages(TENANT))  # what the demo city offers, every text has to be in


@dataclass(frozen=True)
class Service:
    """One folder of services/ or examples/."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def import_name(self) -> str:
        """What its package must be called."""
        return "machi_" + self.name.replace("-", "_")

    @property
    def package(self) -> Path:
        """The folder of its source."""
        return self.folder / "src" / self.import_name

    @property
    def sources(self) -> list["Source"]:
        """Its Python files, tests and migrations left out."""
        return [source for source in python_sources() if source.path.is_relative_to(self.package)]


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @property
    def place(self) -> str:
        """The path as people name it."""
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        """The file's content."""
        return self.path.read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return _parsed(self.path)

    @property
    def is_test(self) -> bool:
        """Whether it lies in a folder of tests."""
        return "tests" in self.path.relative_to(ROOT).parts


@dataclass(frozen=True)
class Topic:
    """One entry of protos/topics, as far as other rooms care."""

    name: str
    producers: frozenset[str]
    consumers: frozenset[str]

    @property
    def open_to_all(self) -> bool:
        """Whether any pod may read it; who does says its manifest alone."""
        return self.consumers == {"*"}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def files() -> tuple[Path, ...]:
    """Every file that git keeps or would keep, sorted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout.decode()
    paths = {ROOT / name for name in listed.split("\0") if name}
    return tuple(sorted(path for path in paths if path.is_file()))


def text_of(path: Path) -> str | None:
    """A file's text, or None when it is binary."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@cache
def python_sources() -> tuple[Source, ...]:
    """Every Python file people wrote."""
    return tuple(Source(path) for path in files() if path.suffix == ".py" and not generated(path))


def generated(path: Path) -> bool:
    """Whether a program wrote the file."""
    return path.is_relative_to(ROOT / "protos" / "gen")


@cache
def services() -> tuple[Service, ...]:
    """Every pod, the living examples too: folders that have a manifest."""
    found = [path for room in POD_ROOMS for path in sorted((ROOT / room).glob("*/service.yaml"))]
    return tuple(Service(path.parent, load_manifest(path)) for path in found)


def with_tables() -> tuple[Service, ...]:
    """The pods that have a database of their own."""
    return tuple(service for service in services() if (service.folder / "migrations").is_dir())


def in_the_stack() -> tuple[Service, ...]:
    """The pods that `machi up` starts: examples are only tested."""
    return tuple(service for service in services() if service.folder.parent.name == POD_ROOMS[0])


@cache
def topics() -> tuple[Topic, ...]:
    """The topics registry."""
    entries = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "protos" / "topics").glob("*.yaml")]
    return tuple(
        Topic(entry["name"], frozenset(entry["producers"]), frozenset(entry["consumers"])) for entry in entries
    )


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name) of each import; the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node.module, alias.name) for alias in node.names)


def calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    """Calls of a function or method of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == name:
            yield node


def called(node: ast.Call) -> str:
    """The last part of what is called; empty when it has no name."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def constants(sources: Sequence[Source]) -> dict[str, str]:
    """Module-level names that stand for one text, over all the files."""
    found: dict[str, str] = {}
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                value = node.value.value
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                found.update({name: value for name in names if isinstance(value, str)})
    return found


def literal(node: ast.expr, known: dict[str, str]) -> str | None:
    """The text an expression stands for, or None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    return known.get(node.attr) if isinstance(node, ast.Attribute) else None


def read_yaml(path: Path) -> dict[str, object]:
    """A YAML file that holds a mapping."""
    content = read_yaml_file(path)
    assert isinstance(content, dict), f"{path} holds no mapping"
    return cast("dict[str, object]", content)
