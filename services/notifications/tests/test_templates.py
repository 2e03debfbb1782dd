"""Every language says everything, with the same places, within the limits of a card."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import machi_notifications
from machi_notifications.adapters.messages import Templates
from machi_notifications.domain.fact import Contact, Fact, News
from machi_sdk.texts import Texts
from machi_tools.stack.plan import TENANT, offered_languages

TEXTS = Texts(Path(machi_notifications.__file__).parent / "templates")
CASES = Texts(Path(__file__).parents[2] / "reports" / "src" / "machi_reports" / "texts")
LANGUAGES = tuple(offered_languages(TENANT))
REPLIED_TO = ("ReporterWrittenTo", "ReportRejected")
CAUSES = ("ReportAcknowledged", "ReporterAsked", "ReportResolved", "ReportMarkedDuplicate", *REPLIED_TO)
WORDS = "どの{街灯}ですか?\n  <b>&amp; 100% ✨"


def _news(cause: str, language: str, words: str = WORDS) -> News:
    fact = Fact(cause, "r-1", "ABC-123-4", "c-1", 3, datetime(2026, 11, 24, tzinfo=UTC), "u-1", "")
    return News(fact, Contact("c-1", language, "line"), words)


def _number(language: str) -> str:
    """The label as reports writes it, and the number right after it."""
    return f"{CASES.say(language, 'report.number')} ABC-123-4"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", CAUSES)
def test_the_case_number_stands_right_after_its_label_and_the_words_are_exact(cause: str, language: str) -> None:
    messages = Templates(TEXTS).messages(_news(cause, language))
    assert len(messages) == 1
    card = messages[0].card
    assert card.body == f"{_number(language)}\n\n{WORDS}"
    assert card.title


@pytest.mark.parametrize("language", LANGUAGES)
def test_buttons_fit_and_name_the_case_and_the_question(language: str) -> None:
    asked = Templates(TEXTS).messages(_news("ReporterAsked", language))[0].card.buttons
    assert [(b.command.pod, b.command.command, dict(b.command.arguments)) for b in asked] == [
        ("reports", "answer", {"case": "r-1", "question": "u-1"})
    ]
    done = Templates(TEXTS).messages(_news("ReportResolved", language))[0].card.buttons
    assert [b.label for b in done[:5]] == ["★1", "★2", "★3", "★4", "★5"]
    assert [dict(b.command.arguments) for b in done[:5]] == [{"case": "r-1", "score": str(n)} for n in range(1, 6)]
    assert (done[5].command.command, dict(done[5].command.arguments)) == ("reopen", {"case": "r-1"})
    joined = Templates(TEXTS).messages(_news("ReportMarkedDuplicate", language))[0].card.buttons
    assert [(each.command.command, dict(each.command.arguments)) for each in joined] == [("reopen", {"case": "r-1"})]
    replies = [Templates(TEXTS).messages(_news(each, language))[0].card.buttons for each in REPLIED_TO]
    assert [[(b.command.command, dict(b.command.arguments)) for b in each] for each in replies] == [
        [("answer", {"case": "r-1", "question": "u-1"})]
    ] * len(REPLIED_TO)
    assert all(
        0 < len(button.label) <= 20 for button in [*asked, *done, *joined, *(b for each in replies for b in each)]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_news_without_words_still_says_what_happened(language: str) -> None:
    card = Templates(TEXTS).messages(_news("ReportAcknowledged", language, ""))[0].card
    assert card.body.startswith(f"{_number(language)}\n\n")
    assert not card.buttons
