"""docs/languages.md, followed step by step in a copy of the repository, with a language nobody speaks."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.architecture.house import ROOT, files

PAGE = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
TAG, NAME = "qx", "Qxish"


def section(number: int) -> str:
    """One step of the page."""
    found = re.search(rf"^### {number}\. .*?(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no step {number}"
    return found.group()


def commands(number: int) -> str:
    """What a step tells to run."""
    found = re.search(r"^```sh\n(.*?)^```", section(number), re.MULTILINE | re.DOTALL)
    assert found is not None, f"nothing to run in step {number}"
    return found.group(1)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """The repository as it would be committed, without its history."""
    tree = tmp_path / "machi"
    for path in files():
        target = tree / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    run(tree, "git init -q && git add -A -- ':!.venv'")
    yield tree
    shutil.rmtree(tree)


def run(tree: Path, script: str, *, fails: bool = False) -> str:
    """Run a script of the page in the copy, whose code comes before the installed one."""
    sources = [str(path) for room in ("libs", "services", "tools") for path in sorted(tree.glob(f"{room}/*/src"))]
    protos = tree / "protos" / "gen" / "python" / "src"
    environment = {**os.environ, "TAG": TAG, "PYTHONPATH": os.pathsep.join([str(tree), *sources, str(protos)])}
    for name in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode != 0) is fails, f"{script}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def rewrite(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def say_how_it_is_written(tree: Path) -> None:
    """Step 2."""
    path = tree / "libs" / "common" / "src" / "machi_sdk" / "languages" / f"{TAG}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    rewrite(path, {**content, "name": NAME, "spellings": [NAME], "falls_back_to": "en"})


def add_to_maps(node: object) -> None:
    """Step 3: wherever a text in English stands, one in the new language; its name opens the dialogue `language`."""
    if isinstance(node, dict) and "en" in node:
        node[TAG] = node["en"]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        add_to_maps(child)
    if isinstance(node, dict) and node.get("command") == "language":
        node["keywords"][TAG] = [NAME]


@pytest.mark.timeout(400)
def test_a_language_comes_by_following_the_page(copy: Path) -> None:
    run(copy, commands(1))
    say_how_it_is_written(copy)
    maps = [copy / path for path in re.findall(r"^- `(.+\.yaml)`$", section(3), re.MULTILINE)]
    assert len(maps) == 4
    for path in maps:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        add_to_maps(content)
        if path.name == "city.yaml":
            content["tenant"]["languages"].append(TAG)
        rewrite(path, content)
    told = run(copy, commands(5))
    assert len(re.findall(rf"\[(?:.*-)?{TAG}(?:-.*)?\] PASSED", told)) > 10, told[-3000:]
    assert (copy / "services" / "channel-line" / "tests" / "snapshots" / f"{TAG}.json").is_file()


def test_what_is_missing_is_told_and_nothing_stops(copy: Path) -> None:
    missing = "services/notifications/src/machi_notifications/templates/ko.yaml"
    (copy / missing).unlink()
    told = run(copy, ".venv/bin/pytest -q -p no:randomly tests/architecture/test_texts.py", fails=True)
    assert "templates" in told
    assert "ko" in told
    program = (
        "from pathlib import Path; import machi_notifications; from machi_sdk.texts import Texts\n"
        "texts = Texts(Path(machi_notifications.__file__).parent / 'templates')\n"
        "print(texts.say('ko', 'ReporterAsked.title'))"
    )
    assert run(copy, f'.venv/bin/python -c "{program}"').strip() == "The office has a question"
