"""Pressed buttons and sent forms, while Slack waits: a trigger lives three seconds."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from starlette.background import BackgroundTask
from starlette.responses import Response

from machi.dialogue.v1.desk_card_pb2 import Form
from machi_channel_slack.domain.address import SlackAddress
from machi_channel_slack.domain.cards import CardKey
from machi_channel_slack.domain.payloads import Press, Submission
from machi_channel_slack.domain.press import MORE, CardAction, decode
from machi_channel_slack.entrypoints.decoding import form_event, press_event
from machi_channel_slack.entrypoints.door import Admitted, Door, answer
from machi_channel_slack.ports import Cards, Desks, Slack, SlackRefused
from machi_channel_slack.rendering.answer import words_message
from machi_channel_slack.rendering.modal import modal
from machi_sdk.cards import check_form
from machi_sdk.errors import Unavailable
from machi_sdk.http import json_response
from machi_sdk.telemetry import counter, get_logger

T = TypeVar("T")

_LOOK_SECONDS = 0.7
_STAFF_SECONDS = 0.8
_OPEN_SECONDS = 1.2

log = get_logger()


class Forms:
    """Opens the form of an action that has one; checks a form before it is kept."""

    def __init__(self, door: Door, slacks: Mapping[str, Slack], cards: Cards, desks: Desks, press_again: str) -> None:
        self._door = door
        self._slacks = slacks
        self._cards = cards
        self._desks = desks
        self._press_again = press_again

    async def pressed(self, press: Press, admitted: Admitted) -> Response:
        """Keep the press, or show the form that it needs."""
        action = decode(press.value)
        if action is None or press.action_id.partition("/")[0] not in (action.action_id, MORE):
            return answer(200, "ignored-not-a-card")
        form = await self._form(action, admitted)
        if form is not None and await self._may_fill(press, action, admitted):
            return await self._open(press, form, admitted)
        # Who may not act keeps the press as it is: the inbound lane says why nothing happens.
        return await self._door.keep([press_event(press, admitted.team, self._door.clock.now())], admitted)

    async def submitted(self, submission: Submission, admitted: Admitted) -> Response:
        """Errors per field, or kept and closed.

        The card may have been drawn anew, with other options, while the form was open: those the pod judges.
        """
        action = decode(submission.metadata)
        form = await self._form(action, admitted) if action else None
        if action is None or form is None:
            return answer(200, "ignored-not-a-form")
        still_asked = submission.values.keys() <= {field.field_id for field in form.fields}
        errors = check_form(form, submission.values, as_offered=False) if still_asked else {}
        if errors:
            counter("machi_webhooks_total").labels("slack", "form-errors").inc()
            return json_response({"response_action": "errors", "errors": errors})
        return await self._door.keep([form_event(submission, action, admitted.team, self._door.clock.now())], admitted)

    async def _form(self, action: CardAction, admitted: Admitted) -> Form | None:
        key = CardKey(admitted.tenant, action.card.card_id, action.card.desk_id)
        return await _within(_LOOK_SECONDS, self._cards.form(key, action.action_id))

    async def _may_fill(self, press: Press, action: CardAction, admitted: Admitted) -> bool:
        """False for strangers and other desks' staff; True while identity is silent, for the turn asks again."""
        try:
            asked = self._desks.staff(admitted.tenant, str(SlackAddress(admitted.team, press.user)), _STAFF_SECONDS)
            staff = await _within(_STAFF_SECONDS, asked)
        except Unavailable:
            return True
        return staff is not None and action.card.desk_id in staff.desk_ids

    async def _open(self, press: Press, form: Form, admitted: Admitted) -> Response:
        """Show it; an officer to whom it cannot be shown is asked to press again, once Slack has its answer."""
        try:
            slack = self._slacks[admitted.tenant]
            await slack.open_view(press.trigger_id, modal(form, press.value), _OPEN_SECONDS)
        except (SlackRefused, Unavailable) as error:
            log.warning("form not opened", reason=error.slug)
            response = answer(200, "form-not-opened")
            response.background = BackgroundTask(self._ask_to_press_again, press, admitted)
            return response
        return answer(200, "form-opened")

    async def _ask_to_press_again(self, press: Press, admitted: Admitted) -> None:
        message = words_message(self._press_again)
        if message is None or not press.response_url:
            return
        try:
            await _within(_OPEN_SECONDS, self._slacks[admitted.tenant].answer(press.response_url, message))
        except (SlackRefused, Unavailable) as error:
            log.warning("officer not asked to press again", reason=error.slug)


async def _within(seconds: float, looking: Awaitable[T]) -> T:
    """What is looked for; Unavailable when that takes longer.

    What hangs is told to stop and not waited for: to take leave of a hung database takes two more seconds.
    """
    task = asyncio.ensure_future(looking)
    ended, _ = await asyncio.wait([task], timeout=seconds)
    if ended:
        return task.result()
    task.add_done_callback(lambda late: late.cancelled() or late.exception())
    task.cancel()
    raise Unavailable("too-slow")
