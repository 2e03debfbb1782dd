"""The dialogue alone: no server, no database."""

import pytest

from machi_idea_box.dialogue import IdeaBoxDialogue
from machi_idea_box.wiring import TEXTS
from machi_sdk.dialogue import Answers, WordsQ

DIALOGUE = IdeaBoxDialogue(TEXTS)


@pytest.mark.parametrize("language", TEXTS.languages)
def test_it_asks_for_words_in_every_language(language: str) -> None:
    question = DIALOGUE.ask(Answers(), language)
    assert question is not None
    assert isinstance(question.kind, WordsQ)
    assert question.prompt == TEXTS.say(language, "idea")


def test_it_asks_nothing_more_once_it_knows_the_idea() -> None:
    assert DIALOGUE.ask(Answers().answered("idea", "More benches", "e-1"), "en") is None
