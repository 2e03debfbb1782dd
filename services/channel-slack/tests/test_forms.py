"""A form that Slack does not open is asked for again; one that is sent is judged by what it offered."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

import pytest
from slack_stand_ins import OneDesk, QuietSlack
from starlette.responses import Response

from machi.channel.v1.events_pb2 import InboundEvent
from machi.dialogue.v1.desk_card_pb2 import ChoiceField, Form, FormField, WordsField
from machi.dialogue.v1.messages_pb2 import Option
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.domain.cards import CardKey, SlackMessage
from machi_channel_slack.domain.payloads import Press, Submission
from machi_channel_slack.domain.press import CardRef, encode
from machi_channel_slack.entrypoints.door import Admitted, Door
from machi_channel_slack.entrypoints.forms import Forms
from machi_channel_slack.ports import Cards, Slack, SlackUncertain
from machi_sdk.clock import ManualClock

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class OneForm:
    """`ports.Cards` of which every action has a form."""

    async def form(self, key: CardKey, action_id: str) -> Form:
        words = FormField(field_id="words", label="Words", words=WordsField(minimum=1, maximum=99))
        return Form(title="Resolve", fields=[words])


class Roads(OneDesk):
    """`ports.Desks` whose one officer works where the card is."""

    async def staff(self, tenant: str, address: str, within: float) -> Staff:
        return Staff(desk_ids=["roads"])


class NoViews(QuietSlack):
    """Does not say whether it opened a view, and hears answers."""

    heard: list[str]

    async def open_view(self, trigger_id: str, view: Mapping[str, object], seconds: float) -> None:
        raise SlackUncertain("slack-uncertain")

    async def answer(self, response_url: str, message: SlackMessage) -> None:
        self.heard.append(response_url)


async def test_slack_is_answered_before_the_officer_is_asked_to_press_again() -> None:
    slack = NoViews(ManualClock(NOON))
    slack.heard = []
    forms = Forms(
        cast("Door", None), {"fukuoka": cast("Slack", slack)}, cast("Cards", OneForm()), Roads("roads"), "again"
    )
    value = encode(CardRef("reports", "c-1", "roads"), "resolve")
    press = Press("U1", "C1", "1.1", "resolve", "2.0", value, "trigger", "https://hooks.slack.test/1")
    response = await forms.pressed(press, Admitted("fukuoka", "T1"))
    assert (response.status_code, slack.heard) == (200, [])
    assert response.background is not None
    await response.background()
    assert slack.heard == ["https://hooks.slack.test/1"]


class Keeping:
    """`Door` that keeps what it is given."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.kept: list[dict[str, str]] = []

    async def keep(self, events: Sequence[InboundEvent], _: Admitted) -> Response:
        self.kept += [dict(event.form.values) for event in events]
        return Response()


class DrawnAnew:
    """`ports.Cards` whose card has other cases nearby than when its form was opened, or none."""

    def __init__(self, nearby: Sequence[str]) -> None:
        near = ChoiceField(options=[Option(option_id=each) for each in nearby])
        typed = FormField(field_id="number", label="Number", words=WordsField(minimum=1, maximum=20))
        fields = [FormField(field_id="nearby", label="Nearby", optional=True, choice=near)] if nearby else []
        self.shown = Form(fields=[*fields, typed], needs_one_of=["nearby", "number"] if nearby else [])
        self.shown.fields[-1].optional = bool(nearby)

    async def form(self, key: CardKey, action_id: str) -> Form:
        return self.shown


@pytest.mark.parametrize("nearby", [("FK-1", "FK-2"), ("FK-3",), ()])
async def test_what_was_offered_when_the_form_was_opened_may_be_chosen(nearby: Sequence[str]) -> None:
    door, cards = Keeping(), DrawnAnew(nearby)
    forms = Forms(cast("Door", door), {}, cast("Cards", cards), Roads("roads"), "again")
    value, admitted = encode(CardRef("reports", "c-1", "roads"), "duplicate"), Admitted("fukuoka", "T1")
    chosen = {"nearby": "FK-1", "number": ""}
    await forms.submitted(Submission("U1", "V1", value, chosen), admitted)
    assert door.kept == [chosen]
    refused = await forms.submitted(Submission("U1", "V2", value, {"number": ""}), admitted)
    assert b"errors" in bytes(refused.body)
    assert len(door.kept) == 1
