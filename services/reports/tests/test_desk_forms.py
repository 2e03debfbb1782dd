"""Forms of a card, as far as they need no case."""

import json
from collections.abc import Mapping

from machi_reports.adapters.catalogue_documents import checked_document, read_document
from machi_reports.domain.conversation import Officer
from machi_reports.domain.states import Move
from machi_reports.entrypoints.desk_forms import AtDesk, form_of
from machi_reports.entrypoints.wording import Wording


def test_everybody_of_a_large_desk_can_be_chosen_in_the_order_of_their_names(
    city_catalogue: Mapping[str, object],
) -> None:
    wording = Wording("ja", read_document(checked_document(json.dumps(city_catalogue), 2026), 1))
    names = ["adachi", "Baba", "ｃhiba", *(f"担当{number}" for number in range(1, 121))]
    colleagues = [Officer(f"staff-{number:03}", name) for number, name in enumerate(reversed(names))]
    form = form_of(Move.ASSIGN, AtDesk("roads-chuo", colleagues), wording)
    assert form is not None
    assert [option.label for option in form.fields[0].choice.options] == names
