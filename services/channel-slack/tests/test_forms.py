"""A form that Slack does not open: Slack has its answer in time, and the officer hears of it behind that."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from slack_stand_ins import OneDesk, QuietSlack

from machi.dialogue.v1.desk_card_pb2 import Form, FormField, WordsField
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.domain.cards import CardKey, SlackMessage
from machi_channel_slack.domain.payloads import Press
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
