"""What is declared is imported, what is imported is declared, and a pod's image installs nothing beside it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

UNSEEN = {
    "httptools": "uvicorn parses HTTP with it where it is installed",
    "tzdata": "data that zoneinfo reads where the machine has none",
    "python-multipart": "starlette loads it to read a form",
}
OURS = "machi-sdk=machi_sdk,machi-protos=machi"
BUILDERS = {"editables", "hatchling"}
OF_TESTS_ONLY = "pytest|testcontainers|docker"


def distributions(*rooms: str) -> list[Path]:
    """The folders of these rooms that are installed."""
    return sorted(path.parent for room in rooms for path in (ROOT / room).glob("*/pyproject.toml"))


def bare(requirement: str) -> str:
    """A requirement's name, without extras and versions."""
    return re.split(r"[\[<>=~!; ]", requirement.strip())[0]


def declared(*rooms: str) -> set[str]:
    """What the folders of these rooms need of others."""
    found: set[str] = set()
    for folder in distributions(*rooms):
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = project.get("optional-dependencies", {}).values()
        found |= {bare(each) for words in (project["dependencies"], *extras) for each in words}
    return {name for name in found if not name.startswith("machi-")}


def listed(name: str) -> set[str]:
    """The names of one list in requirements/, without those of the lists it starts from."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return {bare(line) for line in lines if line and not line.startswith(("#", "-r"))}


@pytest.mark.parametrize(
    "folder", distributions("libs", "services", "examples", "tools"), ids=lambda folder: folder.name
)
def test_declares_what_it_imports_and_no_more(folder: Path) -> None:
    command = [str(Path(sys.executable).with_name("deptry")), "src", "--no-ansi", "--package-module-name-map", OURS]
    rules = ["--per-rule-ignores", f"DEP002={'|'.join(UNSEEN)},DEP003={OF_TESTS_ONLY}"]
    found = subprocess.run([*command, *rules], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0, found.stderr


def test_a_pod_image_installs_what_pods_import() -> None:
    assert listed("pods.in") == declared("libs", "services")


def test_the_stack_adds_what_its_tools_import() -> None:
    assert listed("stack.in") == (declared("tools") - listed("pods.in")) | BUILDERS
