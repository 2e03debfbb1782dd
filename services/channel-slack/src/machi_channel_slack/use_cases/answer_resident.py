"""A resident wrote to the app: the pod that holds the dialogue answers, in the direct conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.ports import Slack, SlackRefused
from machi_channel_slack.rendering.answer import words_message
from machi_channel_slack.rendering.reply import reply_message
from machi_channel_slack.use_cases.direct_messages import DirectMessages
from machi_sdk.conversation import Answered, Turns
from machi_sdk.conversation.press import CommandPress, ControlPress, decode
from machi_sdk.dialogue.controls import typed_control
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import PendingEvent
from machi_sdk.texts import Texts

POST = "post"


@dataclass(frozen=True)
class AnswerResident:
    """`machi_sdk.inbound.EventHandler` for what residents do."""

    slacks: Mapping[str, Slack]
    directs: Mapping[str, DirectMessages]
    turns: Turns
    texts: Texts

    def foresee(self, pending: PendingEvent) -> None:
        """Ask who wrote."""
        self.turns.foresee(pending)

    async def handle(self, pending: PendingEvent) -> None:
        """Take the event to its end; Unavailable puts it off, in order."""
        answered = await self.turns.answer(pending, self.slacks[pending.tenant])
        if answered is None:
            return
        if not answered.writer.reachable:
            await self.turns.people.reachable(pending.tenant, pending.event)  # a delivery had been refused
        say = partial(self.texts.say, answered.language)
        message = reply_message(answered.response, say, pending.event.event_id, self._languages(pending, answered))
        if message is None:
            await pending.mark("done", "nothing-to-say")
            return
        await self._post(pending, message)

    async def say_waiting(self, pending: PendingEvent) -> None:
        """Tell the person once that the message is here, unless the answer is, too."""
        message = words_message(self.texts.say_anyhow(await self._language(pending), "waiting-resident"))
        if message is not None and await pending.claim_notice():
            event = pending.event
            await self.directs[pending.tenant].post(_user(event), message, _conversation(event), event.thread_id)

    def _languages(self, pending: PendingEvent, answered: Answered) -> CommandPress | None:
        """What opens the choice of a language, where it is offered: nothing in Slack asks for one.

        Who never chose one sees it with the answer that begins a dialogue, and with help.
        """
        writer, event = answered.writer, pending.event
        opening = self.turns.openings.by_role("language")
        if opening is None or writer.language_chosen or answered.response.language:
            return None
        languages = CommandPress(opening.pod, opening.command)
        typed = self.turns.openings.by_words(event.text.text)
        is_open = decode(event.pressed.data) == languages or typed == (opening, "")
        shown = not is_open and (not writer.focus.pod or _asks_for_help(event))
        return languages if shown else None

    async def _post(self, pending: PendingEvent, message: SlackMessage) -> None:
        tried = pending.reply_mark == POST
        if not tried:
            await pending.mark_replying(POST)
        try:
            first_at = pending.received_at if tried else None
            user, place = _user(pending.event), (_conversation(pending.event), pending.event.thread_id)
            posted = await self.directs[pending.tenant].post_once(user, message, first_at, *place)
        except SlackRefused as error:
            if error.mendable:
                raise Unavailable(error.slug) from error
            await pending.mark("failed", error.slug)
        else:
            await pending.mark("done", "posted" if posted else "posted-before")

    async def _language(self, pending: PendingEvent) -> str:
        try:
            return (await self.turns.people.resolve(pending.tenant, pending.event.address)).language
        except Unavailable:
            return ""


def _asks_for_help(event: InboundEvent) -> bool:
    press = decode(event.pressed.data)
    return (press.control if isinstance(press, ControlPress) else typed_control(event.text.text)) == "help"


def _user(event: InboundEvent) -> str:
    return event.address.rpartition("/")[2]


def _conversation(event: InboundEvent) -> str:
    """The direct conversation the event came from; empty when it came from elsewhere."""
    channel = event.pressed.place_id or (event.message_id or event.unsent.message_id).partition("/")[0]
    return channel if channel.startswith("D") else ""
