"""Texts, manifest, and languages fit together."""

from pathlib import Path

import pytest

from machi_identity.domain.linking import typed_code
from machi_identity.entrypoints.dialogues.languages import language_question, named_language, offered
from machi_identity.wiring import TEXTS
from machi_sdk.dialogue import Answers, Choices
from machi_sdk.language import known
from machi_sdk.manifest import load_manifest
from machi_sdk.names import fold

MANIFEST = load_manifest(Path(__file__).resolve().parents[1] / "service.yaml")


@pytest.mark.parametrize(
    "key",
    [
        *("privacy.button", "messages.yes", "messages.no", "messages.button_stop"),
        *("link.yes", "link.no", "link.have-code", "unlink.yes", "unlink.no", "unlink.link"),
    ],
)
def test_labels_fit_a_button(key: str) -> None:
    assert all(len(label) <= 20 for label in TEXTS.words(key).values())


def test_languages_are_offered_by_their_own_names_in_the_citys_order() -> None:
    question = language_question(TEXTS, ["zh-Hant", "ja-Hira"], "Hello")
    assert isinstance(question.kind, Choices)
    assert [(each.option_id, each.label) for each in question.kind.options] == [
        ("zh-Hant", "繁體中文"),
        ("ja-Hira", "やさしい日本語"),
    ]
    assert question.prompt == "Hello\n\n請選擇語言。\nことばを えらんで ください。"


def test_what_was_on_offer_stays_as_far_as_it_is_known() -> None:
    assert offered(Answers({"offered": ["en", "gone", "ja"]})) == ("en", "ja")
    assert offered(Answers()) == offered(Answers({"offered": ["gone"]})) == tuple(known())


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
    assert named_language(known(), typed) == language


def test_a_language_that_is_not_offered_is_not_taken() -> None:
    assert named_language(["ja"], "English") == ""


def test_no_spelling_names_two_languages() -> None:
    seen = [fold(word) for one in known().values() for word in {one.tag, one.name, *one.spellings}]
    assert len(seen) == len(set(seen))


def test_own_names_are_keywords_of_the_language_dialogue() -> None:
    entry = next(entry for entry in MANIFEST.dialogues if entry.role == "language")
    keywords = {word for words in entry.keywords.values() for word in words}
    assert {one.name for one in known().values()} <= keywords
    assert "中文" in keywords


def test_no_keyword_opens_two_dialogues() -> None:
    owners: dict[str, set[str]] = {}
    for entry in MANIFEST.dialogues:
        for words in entry.keywords.values():
            for word in words:
                owners.setdefault(fold(word), set()).add(entry.command)
    assert {word: commands for word, commands in owners.items() if len(commands) > 1} == {}


def test_no_keyword_of_linking_reads_as_a_code() -> None:
    entry = next(entry for entry in MANIFEST.dialogues if entry.command == "link")
    assert not [word for words in entry.keywords.values() for word in words if typed_code(word)]
