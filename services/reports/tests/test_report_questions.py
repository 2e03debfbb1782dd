"""The report dialogue as a plain function of its answers, in every language."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from machi_reports.adapters.catalogue_documents import checked_document, read_document
from machi_reports.adapters.consents import present_notice
from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.states import State
from machi_reports.entrypoints.dialogues.report_questions import ReportSoFar, next_question
from machi_reports.entrypoints.wording import TEXTS, Wording
from machi_sdk.dialogue import Answers, Choices, Confirm, Json, PhotoQ, PlaceQ, Question, WordsQ
from machi_sdk.language import known
from machi_sdk.manifest import Purpose, load_manifest
from machi_tools.stack.plan import TENANT, offered_languages

LANGUAGES = tuple(offered_languages(TENANT))
PLACE: Json = {"latitude": 33.59, "longitude": 130.39, "title": "", "address": "天神", "ward": "40133"}
MANIFEST = load_manifest(Path(__file__).resolve().parents[1] / "service.yaml")
ANSWERS: dict[type, Json] = {PlaceQ: PLACE, PhotoQ: None, WordsQ: "穴", Confirm: True}


@pytest.fixture(scope="module")
def catalogue(city_catalogue: Mapping[str, object]) -> Catalogue:
    return read_document(checked_document(json.dumps(city_catalogue), 2026), 1)


@pytest.fixture(scope="module")
def notice() -> Purpose:
    return present_notice(MANIFEST.purposes)


def asked(answers: Answers, language: str, catalogue: Catalogue, notice: Purpose) -> list[Question]:
    """Every question of a whole dialogue, answered as `answers` begins and then by kind."""
    questions: list[Question] = []
    while (question := next_question(answers, Wording(language, catalogue), notice)) is not None:
        questions.append(question)
        first = question.kind.options[0].option_id if isinstance(question.kind, Choices) else None
        value = first if first is not None else ANSWERS[type(question.kind)]
        value = {"wanted": True, "notice": notice.version} if question.key == "messages" else value
        answers = answers.answered(question.key, value, f"event-{question.key}")
    return questions


def begun(decision: str = "none", **answers: Json) -> Answers:
    begun = Answers(given={"catalogue": "fukuoka/1", "decision": decision})
    for key, value in answers.items():
        begun = begun.answered(key, value, f"event-{key}")
    return begun


@pytest.mark.parametrize("language", LANGUAGES)
def test_at_most_ten_turns_in_the_right_order(language: str, catalogue: Catalogue, notice: Purpose) -> None:
    for category in catalogue.categories:
        keys = [q.key for q in asked(begun(category=category.code), language, catalogue, notice)]
        details = [f"detail-{question.key}" for question in category.questions]
        assert keys == [*details, "place", "photo", "words", "messages", "confirm"]
        assert len(keys) + 2 <= 10  # the opening and the category


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_unsaid(language: str, catalogue: Catalogue, notice: Purpose) -> None:
    for category in catalogue.categories:
        for question in asked(begun(category=category.code), language, catalogue, notice):
            assert question.prompt
            assert "{" not in question.prompt
            if isinstance(question.kind, Choices):
                assert all(0 < len(option.label) <= 20 for option in question.kind.options)
                assert len({option.label for option in question.kind.options}) == len(question.kind.options)
            if isinstance(question.kind, Confirm):
                assert 0 < len(question.kind.yes) <= 20
                assert 0 < len(question.kind.no) <= 20


@pytest.mark.parametrize("decision", ["given", "refused"])
def test_who_decided_is_not_asked_again(decision: str, catalogue: Catalogue, notice: Purpose) -> None:
    assert "messages" not in [q.key for q in asked(begun(decision), "ja", catalogue, notice)]


def test_an_answer_counts_for_the_notice_that_was_read(catalogue: Catalogue, notice: Purpose) -> None:
    told = {key: CORRECTED[key] for key in ("category", "place", "photo", "words", "messages")}
    newer = notice.model_copy(update={"version": notice.version + 1})
    answers = begun("none", **told, **{"detail-what": "pothole"})
    wording = Wording("ja", catalogue)
    questions = [next_question(answers, wording, each) for each in (notice, newer)]
    assert [question.key for question in questions if question] == ["confirm", "messages"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_benefit_stands_first(language: str, catalogue: Catalogue, notice: Purpose) -> None:
    question = next(q for q in asked(begun(), language, catalogue, notice) if q.key == "messages")
    assert question.prompt.startswith(notice.benefit[language])
    assert notice.text[language] in question.prompt


# All is answered; what is wrong is answered once more.
CORRECTED: dict[str, Json] = {"category": "road", "place": PLACE, "photo": None, "words": "穴"}
CORRECTED |= {"messages": {"wanted": True, "notice": present_notice(MANIFEST.purposes).version}}
COLLAPSE: dict[str, Json] = {"category": "road", "detail-what": "collapse"}


@pytest.mark.parametrize(
    ("answers", "at", "phone"),
    [
        (COLLAPSE, "place", "092-000-0199"),
        ({"category": "water", "detail-what": "burst"}, "place", "092-000-0144"),
        ({"category": "danger"}, "detail-what", "092-000-0190"),
        ({"category": "road", "detail-what": "pothole"}, "place", ""),
        (CORRECTED | {"detail-what": "collapse"}, "confirm", "092-000-0199"),
        (CORRECTED | {"detail-what": "pothole"}, "confirm", ""),
        (COLLAPSE | CORRECTED, "confirm", ""),  # it was said before the place
        (CORRECTED | {"detail-what": "pothole", "words": "穴からガスのにおい"}, "confirm", "092-000-0190"),
        (COLLAPSE | CORRECTED | {"words": "ガスのにおい"}, "confirm", "092-000-0190"),
        (COLLAPSE | CORRECTED | {"words": "道路が陥没"}, "confirm", ""),
        (CORRECTED | {"detail-what": "pothole", "place": {"address": "陥没した所"}}, "confirm", "092-000-0199"),
    ],
)
def test_urgent_kinds_give_the_office_at_once(
    answers: dict[str, Json], at: str, phone: str, catalogue: Catalogue, notice: Purpose
) -> None:
    for language in LANGUAGES:
        question = next_question(begun("none", **answers), Wording(language, catalogue), notice)
        assert question is not None
        assert question.key == at
        links = [message.link for message in question.before if message.HasField("link")]
        assert all(message.HasField("link") for message in question.before[: len(links)]), "before the summary"
        assert [link.uri for link in links] == ([f"tel:+81-{phone[1:]}"] if phone else [])
        dialled = Wording(language, catalogue).phone(phone)
        assert all(dialled in link.text and len(link.label) <= 20 for link in links)


@pytest.mark.parametrize(
    ("answers", "detail", "at"),
    [
        ({}, "gas", "place"),
        ({"place": PLACE}, "gas", "photo"),
        ({"place": PLACE}, "pole", "photo"),
    ],
    ids=["gas", "gas, and where", "all of it is dangerous"],
)
def test_whoever_said_it_with_their_first_words_hears_whom_to_phone(
    answers: dict[str, Json], detail: str, at: str, catalogue: Catalogue, notice: Purpose
) -> None:
    told = begun("none", **answers).answered("category", "danger", "said").answered("detail-what", detail, "said")
    question = next_question(told, Wording("en", catalogue), notice)
    assert question is not None
    assert (question.key, [message.link.uri for message in question.before]) == (at, ["tel:+81-92-000-0190"])


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "just now"), (59, "59 min ago"), (60, "1 h ago"), (2880, "2 days ago")]
)
def test_how_long_ago(minutes: int, words: str, catalogue: Catalogue) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    assert Wording("en", catalogue).age(now - timedelta(minutes=minutes, seconds=59), now) == words


@pytest.mark.parametrize(("minutes", "words"), [(5, "5ふん まえ"), (6, "6ぷん まえ"), (10, "10ぷん まえ")])
def test_plain_japanese_counts_minutes_as_it_is_said(minutes: int, words: str, catalogue: Catalogue) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    assert Wording("ja-Hira", catalogue).age(now - timedelta(minutes=minutes), now) == words


def test_what_the_catalogue_no_longer_has_is_said_in_words(catalogue: Catalogue) -> None:
    assert Wording("en", catalogue).category("fountain") == "a former kind"
    assert Wording("ko", catalogue).ward("99999") == TEXTS.words("value.no-ward")["ko"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_said_to_work_on_a_case_that_was_reopened(language: str, catalogue: Catalogue) -> None:
    shown = Wording(language, catalogue).own_state(State.REOPENED)
    assert not any(words in shown for words in ("みています", "対応中", "progress", "處理中", "처리 중", "处理中"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_shows_everything(language: str, catalogue: Catalogue, notice: Purpose) -> None:
    answers = begun(category="road", **{"detail-what": "pothole"})
    summary = asked(answers, language, catalogue, notice)[-1].before[0].card
    wording = Wording(language, catalogue)
    values = [fact.value for fact in summary.facts]
    assert summary.body == "穴"
    assert values[:3] == [wording.category("road"), wording.details("road", {"what": "pothole"}), "天神"]
    assert wording.ward("40133") in values
    assert wording.say("value.without-photo") in values
    assert wording.say("value.messages-yes") in values


@pytest.mark.parametrize("language", LANGUAGES)
def test_photos_are_counted_down(language: str, catalogue: Catalogue, notice: Purpose) -> None:
    answers = begun(category="other").answered("place", PLACE, "event-place")
    for left in (2, 1):
        answers = answers.answered("photo", {"media_id": f"m{left}"}, f"event-{left}")
        question = next_question(answers, Wording(language, catalogue), notice)
        assert question is not None
        assert (question.key, question.kind, question.optional) == ("photo", PhotoQ(3, 3 - left), True)
        assert str(left) in question.prompt
    answers = answers.answered("photo", {"media_id": "m0"}, "event-0")
    question = next_question(answers, Wording(language, catalogue), notice)
    assert question is not None
    assert question.key == "words"


def test_photos_sent_together_stand_in_their_own_order() -> None:
    answers = begun(category="other")
    for name, together in (("a", ""), ("c", "set-1"), ("b", "set-1")):
        value: dict[str, Json] = {"media_id": name}
        value |= {"set": together, "index": {"b": 1, "c": 2}[name]} if together else {}
        answers = answers.answered("photo", value, f"event-{name}")
    assert ReportSoFar(answers).photo_ids == ["a", "b", "c"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_platforms_limit_is_short(language: str) -> None:
    for key in TEXTS.keys(language):
        is_button = key.startswith("action.") or key in {
            f"cases.{n}" for n in ("open", "answer", "rate", "reopen", "report")
        }
        limit = (
            20 if is_button else 24 if key.endswith((".title", ".submit", "form.close")) and "form." in key else 4000
        )
        assert len(TEXTS.say(language, key)) <= limit, key


def test_the_labels_of_the_case_number_are_those_others_rely_on() -> None:
    """The README promises them."""
    promised = {"ja": "受付番号", "ja-Hira": "うけつけばんごう", "en": "case number"}
    promised |= {"zh-Hant": "案件編號", "ko": "접수번호", "zh-Hans": "受理编号"}
    assert {language: TEXTS.words("report.number")[language] for language in promised} == promised


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_end_offers_to_correct_what_was_answered(language: str, catalogue: Catalogue, notice: Purpose) -> None:
    category = catalogue.categories[0]
    confirm = asked(begun(category=category.code), language, catalogue, notice)[-1]
    assert isinstance(confirm.kind, Confirm)
    assert confirm.kind.change
    changes = {change.keys[0]: change for change in confirm.changes}
    assert list(changes) == ["category", "detail-what", "place", "photo", "words", "messages"]
    assert changes["category"].keys == ("category", "detail-what")
    assert all(0 < len(change.label) <= 20 for change in confirm.changes)
    wording = Wording(language, catalogue)
    detail = wording.details(category.code, {"what": category.questions[0].options[0].option_id})
    assert confirm.about == wording.category(category.code) + known()[language].joint + detail


def test_what_was_decided_earlier_is_offered_for_correction(catalogue: Catalogue, notice: Purpose) -> None:
    confirm = asked(begun("given", category="other"), "ja", catalogue, notice)[-1]
    names = ("category", "place", "photo", "words", "messages")
    assert [change.keys for change in confirm.changes] == [(name,) for name in names]
