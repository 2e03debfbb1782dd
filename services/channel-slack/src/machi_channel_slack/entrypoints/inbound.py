"""Kept events come in one by one per person: resolve, turn, tell."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from machi.dialogue.v1.dialogue_service_pb2 import TurnResponse
from machi_channel_slack.domain.address import SlackAddress
from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.domain.press import OPEN
from machi_channel_slack.ports import Cards, Desks, Slack, SlackRefused
from machi_channel_slack.rendering.answer import answer_message, words_message
from machi_channel_slack.use_cases.act_for_officer import Errand, errand_of, turn_of
from machi_channel_slack.use_cases.name_mentions import Names
from machi_sdk.clock import Clock
from machi_sdk.conversation import InstalledOpenings, Talkers
from machi_sdk.errors import Conflict, Denied, Invalid, Missing, Unavailable
from machi_sdk.inbound import EarlierMessages, PendingEvent
from machi_sdk.telemetry import get_logger
from machi_sdk.texts import Texts

STRANGER = "stranger"
_RESOLVE_SECONDS = 2.0
# The card itself shows what became of the press: the whispered answer is not worth holding up what follows.
_ANSWER_WITHIN = timedelta(seconds=60)

log = get_logger()


@dataclass(frozen=True)
class Office:
    """What handling officers' events takes; `acted` is told tenant and address of who did something."""

    slacks: Mapping[str, Slack]
    cards: Cards
    desks: Desks
    talkers: Talkers
    openings: InstalledOpenings
    earlier: EarlierMessages
    texts: Texts
    clock: Clock
    acted: Callable[[str, str], None]


class OfficerEvents:
    """`machi_sdk.inbound.EventHandler`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._names = Names(office.cards, office.desks, office.texts)

    def foresee(self, event: PendingEvent) -> None:
        """Nothing is asked ahead."""

    async def handle(self, event: PendingEvent) -> None:
        """Take the event to its end; Unavailable puts it off, in order."""
        errand = await errand_of(event.event, event.tenant, self._office.cards)
        if errand is None:
            await event.mark("ignored", "no-card")
            return
        if event.event.thread_reply.deleted and not await self._passed_on(event):
            await event.mark("ignored", "not-passed-on")
            return
        message, reason = await self._answer(event, errand)
        if message is not None:
            await event.mark_replying("whisper")
            reason = await self._tell(event, replace(errand, outsider=reason == STRANGER), message) or reason
        await event.mark("unknown" if reason == "slack-uncertain" else "done", reason)

    async def say_waiting(self, event: PendingEvent) -> None:
        """Tell the officer once that it will be done later."""
        errand = await errand_of(event.event, event.tenant, self._office.cards)
        message = words_message(self._say("waiting", await self._language(event.tenant, errand)))
        if errand is not None and message is not None and await event.claim_notice():
            await self._whisper(event, errand, message)

    async def _answer(self, event: PendingEvent, errand: Errand) -> tuple[SlackMessage | None, str]:
        """What the officer is told, and the slug of why nothing was done (empty when it was)."""
        language = await self._language(event.tenant, errand)
        if event.stored is None:
            address = event.event.address
            staff = await self._office.desks.staff(event.tenant, address, _RESOLVE_SECONDS)
            if staff is None:
                return words_message(self._say(STRANGER, language)), STRANGER
            if errand.remark:
                return words_message(self._say(errand.remark, language)), errand.remark
            if errand.press is not None and errand.press.action_id == OPEN:
                await self._office.cards.hurry(errand.key)
                return None, ""
            self._office.openings.require()
            if not self._office.openings.installed(errand.pod):  # it is gone, and its card still stands in Slack
                return words_message(self._say("impossible", language)), "pod-not-installed"
            request = turn_of(event.event, errand, staff, language)
            if errand.reply is not None:
                request.card_reply.text = await self._names.put_into(event.event, event.tenant, language)
            try:
                response = await self._office.talkers.turn(event.tenant, errand.pod, request)
            except (Missing, Denied, Invalid, Conflict) as error:
                log.warning("officer's turn refused", reason=error.slug, pod=errand.pod)
                return words_message(self._say("impossible", language)), error.slug
            await self._office.cards.hurry(errand.key)  # what came of it is shown before other cards' changes
            await event.mark_turned(response.SerializeToString(), errand.pod)
            self._office.acted(event.tenant, address)
        assert event.stored is not None
        return answer_message(TurnResponse.FromString(event.stored).messages), ""

    async def _passed_on(self, event: PendingEvent) -> bool:
        """Whether the card's pod got the words of the message; likely where nobody knows any more."""
        found = await self._office.earlier.find(event.tenant, event.event.message_id)
        before = [each for each in found if each.event_id != event.event.event_id]
        return not before or any(each.pod for each in before)

    async def _tell(self, event: PendingEvent, errand: Errand, message: SlackMessage) -> str:
        """Empty when the officer was told, else the slug why not; Unavailable while it is worth trying again."""
        try:
            await self._whisper(event, errand, message)
        except SlackRefused as error:
            log.warning("officer not told", reason=error.slug)
            return error.slug
        except Unavailable as error:
            if self._office.clock.now() - event.received_at < _ANSWER_WITHIN:
                raise
            log.warning("officer not told", reason=error.slug)
            return "slack-uncertain"
        return ""

    async def _whisper(self, event: PendingEvent, errand: Errand, message: SlackMessage) -> None:
        slack = self._office.slacks[event.tenant]
        user = SlackAddress.read(event.event.address).user
        if errand.outsider and event.event.reply_handle:
            # Who is not of the city's staff is hardly in the channel, and Slack refuses to whisper to outsiders there.
            with suppress(SlackRefused, Unavailable):
                await slack.answer(event.event.reply_handle, message)
                return
        if not errand.channel:  # a form of a card that Slack has, and whose place is not written down yet
            raise Unavailable("card-not-placed")
        try:
            await slack.whisper(errand.channel, user, message, errand.thread_ts)
        except SlackRefused:  # not in the channel, no whispers for this app: the press has an address of its own
            if not event.event.reply_handle:
                raise
            await slack.answer(event.event.reply_handle, message)

    async def _language(self, tenant: str, errand: Errand | None) -> str:
        try:
            return (await self._office.desks.desk(tenant, errand.key.desk_id)).language if errand else ""
        except Unavailable:
            return ""

    def _say(self, key: str, language: str) -> str:
        return self._office.texts.say(language, key)
