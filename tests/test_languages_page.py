"""docs/languages.md, followed step by step in a copy of the repository, with a language nobody speaks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from machi_sdk.manifest import load_manifest
from tests.following import Copy, Page, copied

PAGE = Page("languages.md")
TAG, NAME = "qx", "Qxish"


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """The repository as it would be committed, with the tag in the environment."""
    with copied(tmp_path, TAG=TAG) as tree:
        yield tree


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


def with_dialogues(tree: Path) -> list[Path]:
    """Manifests that need a title in the language: the page says so of pods of your own, too."""
    return [path for path in tree.glob("services/*/service.yaml") if load_manifest(path).dialogues]


@pytest.mark.timeout(900)
def test_a_language_comes_by_following_the_page(copy: Copy) -> None:
    copy.run(PAGE.commands(1))
    say_how_it_is_written(copy.tree)
    named = [copy.tree / path for path in re.findall(r"^- `(.+\.yaml)`$", PAGE.section(3), re.MULTILINE)]
    assert len(named) == 5
    for path in {*named, *with_dialogues(copy.tree)}:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        add_to_maps(content)
        if path.name == "city.yaml":
            content["tenant"]["languages"].append(TAG)
        rewrite(path, content)
    told = copy.run(PAGE.commands(5))
    assert len(re.findall(rf"\[(?:.*-)?{TAG}(?:-.*)?\] PASSED", told)) > 10, told[-3000:]
    assert (copy.tree / "services" / "channel-line" / "tests" / "snapshots" / f"{TAG}.json").is_file()


def test_what_is_missing_is_told_and_nothing_stops(copy: Copy) -> None:
    missing = "services/notifications/src/machi_notifications/templates/ko.yaml"
    (copy.tree / missing).unlink()
    told = copy.run(".venv/bin/pytest -q -p no:randomly tests/architecture/test_texts.py", fails=True)
    assert "templates" in told
    assert "ko" in told
    program = (
        "from pathlib import Path; import machi_notifications; from machi_sdk.texts import Texts\n"
        "texts = Texts(Path(machi_notifications.__file__).parent / 'templates')\n"
        "print(texts.say('ko', 'ReporterAsked.title'))"
    )
    assert copy.run(f'.venv/bin/python -c "{program}"').strip() == "The office has a question"
