"""What people read: complete in four languages, with the same places, and nothing asked for that is not there."""

import ast
from pathlib import Path
from string import Formatter

import pytest

from tests.architecture.house import LANGUAGES, ROOT, calls, files, python_sources, read_yaml

FOLDERS = sorted({path.parent for path in files() if path.name == "ja.yaml"})
every_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))


def flat(prefix: str, node: object) -> dict[str, str]:
    """Leaves by dotted key."""
    if not isinstance(node, dict):
        return {prefix: str(node) if node is not None else ""}
    leaves: dict[str, str] = {}
    for key, child in node.items():
        leaves |= flat(f"{prefix}.{key}" if prefix else str(key), child)
    return leaves


def entries(folder: Path, language: str) -> dict[str, str]:
    """One language's texts."""
    return flat("", read_yaml(folder / f"{language}.yaml"))


def places(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_there_are_texts() -> None:
    assert FOLDERS


@every_folder
def test_the_four_languages_are_there(folder: Path) -> None:
    assert sorted(path.stem for path in folder.glob("*.yaml")) == sorted(LANGUAGES)


@every_folder
def test_languages_have_the_same_keys(folder: Path) -> None:
    keys = {language: set(entries(folder, language)) for language in LANGUAGES}
    assert not {language: keys["ja"] ^ found for language, found in keys.items() if found != keys["ja"]}


@every_folder
def test_languages_have_the_same_places(folder: Path) -> None:
    wrong = []
    japanese = entries(folder, "ja")
    for language in LANGUAGES:
        for key, text in entries(folder, language).items():
            if places(text) != places(japanese.get(key, "")):
                wrong.append(
                    f"{language} {key}: {sorted(places(text))} against {sorted(places(japanese.get(key, '')))}"
                )
    assert not wrong


@every_folder
def test_no_text_is_empty(folder: Path) -> None:
    empty = [
        f"{language} {key}" for language in LANGUAGES for key, text in entries(folder, language).items() if not text
    ]
    assert not empty


@every_folder
def test_what_the_code_says_exists_with_its_places(folder: Path) -> None:
    japanese = entries(folder, "ja")
    for sibling in (path for path in FOLDERS if path.parent == folder.parent):
        japanese |= entries(sibling, "ja")
    wrong = []
    for source in python_sources():
        if not source.path.is_relative_to(folder.parent):
            continue
        for call in calls(source.tree, "say"):
            wrong += [f"{source.place}:{call.lineno} {problem}" for problem in problems(call, japanese)]
    assert not wrong


def problems(call: ast.Call, known: dict[str, str]) -> list[str]:
    """What is wrong with one `say(language, key, **places)`; computed keys are not looked at."""
    key = call.args[1] if len(call.args) > 1 else None
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        return []
    if key.value not in known:
        return [f"says {key.value!r}, which is no text"]
    given = {word.arg for word in call.keywords}
    needed = places(known[key.value])
    if None in given or given == needed or (needed and needed <= given):
        return []
    return [f"{key.value!r} wants {sorted(needed)}, gets {sorted(str(name) for name in given)}"]
