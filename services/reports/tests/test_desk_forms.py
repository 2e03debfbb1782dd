"""Forms of a card, as far as they need no case."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from machi_reports.adapters.catalogue_documents import checked_document, read_document
from machi_reports.domain.conversation import Officer, Update, UpdateKind
from machi_reports.domain.report import Filing, Place, Report
from machi_reports.domain.states import Move
from machi_reports.entrypoints.desk_forms import AtDesk, actions_of, form_of
from machi_reports.entrypoints.desk_replies import STANDS_BY
from machi_reports.entrypoints.wording import TEXTS, Wording
from machi_sdk.cards import check_form


def test_everybody_of_a_large_desk_can_be_chosen_in_the_order_of_their_names(
    city_catalogue: Mapping[str, object],
) -> None:
    wording = Wording("ja", read_document(checked_document(json.dumps(city_catalogue), 2026), 1))
    names = ["adachi", "Baba", "ｃhiba", *(f"担当{number}" for number in range(1, 121))]
    colleagues = [Officer(f"staff-{number:03}", name) for number, name in enumerate(reversed(names))]
    form = form_of(Move.ASSIGN, AtDesk("roads-chuo", colleagues), wording)
    assert form is not None
    assert [option.label for option in form.fields[0].choice.options] == names


def test_the_same_as_another_case_needs_a_chosen_or_a_typed_one(city_catalogue: Mapping[str, object]) -> None:
    """Slack says so while the form is open, and keeps it."""
    wording = Wording("ja", read_document(checked_document(json.dumps(city_catalogue), 2026), 1))
    for alike in ({"FK-1": "FK-1 road"}, {}):
        form = form_of(Move.DUPLICATE, AtDesk("roads-chuo", alike=alike), wording)
        assert form is not None
        first = form.fields[0]
        assert check_form(form, {"nearby": "", "number": " "}) == {first.field_id: first.error}
        assert check_form(form, {"nearby": "", "number": "FK-2"}) == {}


@pytest.mark.parametrize("language", TEXTS.languages)
def test_what_a_colleague_did_has_its_words(language: str) -> None:
    assert {f"did.{move}" for move in STANDS_BY} == {key for key in TEXTS.keys(language) if key.startswith("did.")}


def test_a_city_with_one_desk_has_nobody_to_hand_over_to(city_catalogue: Mapping[str, object]) -> None:
    """Slack opens no form with a choice of nothing."""
    city, at = read_document(checked_document(json.dumps(city_catalogue), 2026), 1), datetime(2026, 11, 24, tzinfo=UTC)
    desk_id = city.desks[0].desk_id
    filing = Filing("r1", "FK-1", "hana", "road", {}, Place(), "", messages_allowed=True, trace_id="", filed_at=at)
    report = Report.file(filing, desk_id, Update("u1", UpdateKind.WORDS, "words", at))

    def offered(desks: int) -> bool:
        wording = Wording("ja", replace(city, desks=city.desks[:desks]))
        actions = actions_of(report, AtDesk(desk_id), wording)
        return Move.HAND_OVER.value in [action.action_id for action in actions]

    assert offered(2)
    assert not offered(1)
