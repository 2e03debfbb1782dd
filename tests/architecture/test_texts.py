"""What people read: whole in every language the demo city offers, with the same places, and nothing else asked for."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from machi_sdk.language import FOLDER as LANGUAGE_FILES
from machi_sdk.language import default_language, known
from tests.architecture.house import LANGUAGES, ROOT, calls, files, python_sources, read_yaml, services

FOLDERS = sorted({path.parent for path in files() if path.name == "ja.yaml"} - {LANGUAGE_FILES})
# Where a text stands per language inside a file: manifests, and what is put in for the demo city.
MAPS = [
    *(service.folder / "service.yaml" for service in services()),
    ROOT / "services" / "reports" / "seeds" / "fukuoka" / "catalogue.yaml",
    ROOT / "tools" / "machi" / "src" / "machi_tools" / "seeds" / "fukuoka" / "city.yaml",
]
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
def test_every_language_offered_is_there(folder: Path) -> None:
    assert not set(LANGUAGES) - {path.stem for path in folder.glob("*.yaml")}


@every_folder
def test_languages_have_the_same_keys(folder: Path) -> None:
    keys = {language: set(entries(folder, language)) for language in LANGUAGES}
    assert not {language: keys["ja"] ^ found for language, found in keys.items() if found != keys["ja"]}


@every_folder
def test_files_are_of_known_languages(folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.yaml")} <= set(known())


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


def per_language(place: str, node: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Mappings from languages to words, each with its place in the file."""
    if isinstance(node, dict) and default_language() in node:
        yield place, node
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from per_language(f"{place}.{key}", child)
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from per_language(f"{place}.{at}", child)


@pytest.mark.parametrize(("language", "charset"), [("zh-Hans", "gb2312"), ("zh-Hant", "big5")])
def test_chinese_is_written_with_its_own_letters(language: str, charset: str) -> None:
    """The national character sets hold the simplified letters, or the traditional ones; who types may use either."""
    shown = [entries(folder, language).items() for folder in FOLDERS]
    texts = [text for each in shown for key, text in each if not key.endswith("words")]
    maps = [pair for path in MAPS for pair in per_language("", read_yaml(path)) if not pair[0].endswith("keywords")]
    texts += [str(words[language]) for _, words in maps]
    letters = {letter for text in texts for letter in text if "\u4e00" <= letter <= "\u9fff"}
    assert not [letter for letter in letters if not letter.encode(charset, "ignore")]


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.parent.name)
def test_maps_have_every_language_offered(path: Path) -> None:
    found = list(per_language("", read_yaml(path)))
    lacking = [f"{place}: {language}" for place, words in found for language in LANGUAGES if not words.get(language)]
    assert not lacking
    assert not [f"{place}: {tag}" for place, words in found for tag in words if tag not in known()]


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
