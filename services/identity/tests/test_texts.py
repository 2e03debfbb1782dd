"""Texts and manifest say the same in every language."""

from pathlib import Path

import pytest
import yaml

from machi_identity.entrypoints.dialogues.languages import language_question, named_language
from machi_identity.wiring import TEXTS
from machi_sdk.dialogue import Choices
from machi_sdk.manifest import load_manifest
from machi_sdk.names import fold
from machi_sdk.texts import Texts

MANIFEST = load_manifest(Path(__file__).resolve().parents[1] / "service.yaml")
FOLDER = Path(__file__).resolve().parents[1] / "src" / "machi_identity" / "texts"


@pytest.mark.parametrize("language", TEXTS.languages)
def test_every_language_says_everything(language: str) -> None:
    assert TEXTS.keys(language) == TEXTS.keys("ja")


@pytest.mark.parametrize("language", TEXTS.languages)
def test_every_dialogue_has_a_title_that_fits_a_button(language: str) -> None:
    for entry in MANIFEST.dialogues:
        assert 0 < len(entry.titles[language]) <= 20


@pytest.mark.parametrize(
    "key", ["privacy.button", "messages.yes", "messages.no", "messages.button_stop", "language.own_name"]
)
def test_labels_fit_a_button(key: str) -> None:
    assert all(len(label) <= 20 for label in TEXTS.words(key).values())


def test_the_four_languages_are_offered_by_their_own_names() -> None:
    kind = language_question(TEXTS).kind
    assert isinstance(kind, Choices)
    offered = {option.option_id: option.label for option in kind.options}
    assert offered == {"ja": "日本語", "ja-Hira": "やさしい日本語", "en": "English", "zh-Hant": "繁體中文"}


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("English", "en"),
        ("ＥＮＧＬＩＳＨ", "en"),
        ("日本語", "ja"),
        ("やさしい日本語", "ja-Hira"),
        ("やさしい 日本語", "ja-Hira"),
        ("繁體中文", "zh-Hant"),
        ("中文", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("言語", ""),
        ("", ""),
    ],
)
def test_a_language_is_known_by_its_own_name(typed: str, language: str) -> None:
    assert named_language(TEXTS, typed) == language


def test_no_spelling_names_two_languages() -> None:
    seen = [
        fold(word)
        for tag in TEXTS.languages
        for word in {tag, TEXTS.say(tag, "language.own_name"), *TEXTS.say(tag, "language.spellings").split("|")}
    ]
    assert len(seen) == len(set(seen))


def test_own_names_are_keywords_of_the_language_dialogue() -> None:
    entry = next(entry for entry in MANIFEST.dialogues if entry.role == "language")
    keywords = {word for words in entry.keywords.values() for word in words}
    assert set(TEXTS.words("language.own_name").values()) <= keywords
    assert "中文" in keywords


def test_no_keyword_opens_two_dialogues() -> None:
    owners: dict[str, set[str]] = {}
    for entry in MANIFEST.dialogues:
        for words in entry.keywords.values():
            for word in words:
                owners.setdefault(fold(word), set()).add(entry.command)
    assert {word: commands for word, commands in owners.items() if len(commands) > 1} == {}


def test_a_fifth_language_comes_by_its_file_alone(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    words = yaml.safe_load((FOLDER / "en.yaml").read_text(encoding="utf-8"))
    words["language"] = {
        "own_name": "한국어",
        "spellings": "korean|韓国語",
        "choose": "언어를 선택하세요.",
        "done": "…",
    }
    (tmp_path / "ko.yaml").write_text(yaml.safe_dump(words, allow_unicode=True), encoding="utf-8")
    texts = Texts(tmp_path)
    assert named_language(texts, "한국어") == "ko"
    question = language_question(texts)
    assert isinstance(question.kind, Choices)
    assert "ko" in {option.option_id for option in question.kind.options}
    assert "언어를 선택하세요." in question.prompt
