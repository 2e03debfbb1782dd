"""From one inbound event to its end: who, which pod, what answer, and the answer's way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from machi_channel_line.domain.reply_token import token_fresh
from machi_channel_line.ports import Body, Line, Menus, Pushing, Renderer
from machi_channel_line.use_cases.send_answer import Answerer
from machi_sdk.conversation import Answered, Turns
from machi_sdk.conversation.press import TogglePress, decode
from machi_sdk.deliveries import NotTaken
from machi_sdk.errors import Unavailable
from machi_sdk.ids import derived_id
from machi_sdk.inbound import NOTICE, PendingEvent
from machi_sdk.texts import Texts

_REACHABLE = ("followed", "unfollowed")


@dataclass(frozen=True)
class AnswerEvent:
    """The handler of the inbound queue."""

    lines: Mapping[str, Line]
    turns: Turns
    answerer: Answerer
    menus: Menus
    render: Renderer
    texts: Texts

    def foresee(self, pending: PendingEvent) -> None:
        """Ask who wrote, unless the event itself changes what is known of them."""
        if pending.event.WhichOneof("kind") not in _REACHABLE:
            self.turns.foresee(pending)

    async def handle(self, pending: PendingEvent) -> None:
        """Take the event to its end; Unavailable puts it off, in order."""
        line = self.lines[pending.tenant]
        if pending.event.WhichOneof("kind") in _REACHABLE:
            await self.turns.people.reachable(pending.tenant, pending.event)
        if pending.event.HasField("unfollowed"):
            await pending.mark("done", "unfollowed")
            return
        answered = await self.turns.answer(pending, line, self.answerer.mark_for)
        if answered is None:
            return
        if pending.event.silent:
            await pending.mark("done", "silent")
            return
        try:
            if pending.event.reply_handle and not answered.writer.reachable:
                await self.turns.people.reachable(pending.tenant, pending.event)  # the follow that said so was lost
            await self._keep_menu(pending, answered)
        except Unavailable:
            await self.answerer.not_tried(pending)
            raise
        messages = self._rendered(pending, answered)
        await self.answerer.send(pending, answered.writer.citizen_id, messages, line)

    async def say_waiting(self, pending: PendingEvent) -> None:
        """Tell the person once that the message is here; an answer under way keeps the reply token."""
        event, line = pending.event, self.lines[pending.tenant]
        if not event.reply_handle:
            return
        messages = [{"type": "text", "text": self.texts.say_anyhow(await self._language(pending), "waiting")}]
        now = self.answerer.clock.now()
        fresh = token_fresh(event.received_at.ToDatetime(tzinfo=now.tzinfo), now)
        if fresh and not line.takes_pushes:
            return  # the token is the only way that the answer has
        address = "" if fresh else await self._address(pending)
        if not (fresh or address) or not await pending.claim_notice():
            return
        if address:
            await line.push(Pushing(address, messages, derived_id("line-notice", pending.tenant, event.event_id)))
        elif isinstance(await line.reply(event.reply_handle, messages), NotTaken):
            await pending.free_reply(NOTICE)

    async def _keep_menu(self, pending: PendingEvent, answered: Answered) -> None:
        """A menu in the language just chosen, or chosen by who comes back; one that waited for the person is due.

        So is the menu of who chose long ago and has none, as after "unlink", which makes them another citizen.
        """
        writer = answered.writer
        again = writer.language if pending.event.HasField("followed") and writer.language_chosen else ""
        language = answered.response.language or again
        if language:
            await self.menus.wish(pending.tenant, writer.citizen_id, language, pending.event.event_id)
        elif writer.language_chosen:
            await self.menus.wake(pending.tenant, writer.citizen_id, writer.language, pending.event.event_id)

    def _rendered(self, pending: PendingEvent, answered: Answered) -> list[Body]:
        response = answered.response
        press = decode(pending.event.pressed.data) if pending.event.HasField("pressed") else None
        toggled = isinstance(press, TogglePress) and press.ask_id == response.ask.ask_id
        chosen: Sequence[str] = press.option_ids if isinstance(press, TogglePress) and toggled else ()
        return self.render(response, answered.language, chosen)

    async def _language(self, pending: PendingEvent) -> str:
        try:
            return (await self.turns.people.resolve(pending.tenant, pending.event.address)).language
        except Unavailable:
            return ""

    async def _address(self, pending: PendingEvent) -> str:
        people, tenant = self.turns.people, pending.tenant
        person = await people.resolve(tenant, pending.event.address)
        return await people.in_answer(tenant, person.citizen_id, pending.event.event_id)
