"""One event's turn with the right pod, and the person's focus after it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Protocol, TypeAlias
from weakref import WeakKeyDictionary

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.conversation.deciding import Step, decide, open_by_role
from machi_sdk.conversation.openings import InstalledOpenings, Opening
from machi_sdk.conversation.people import People
from machi_sdk.conversation.talkers import TOO_SLOW, Talkers
from machi_sdk.errors import Conflict, Invalid, Missing, Unavailable
from machi_sdk.ids import derived_id
from machi_sdk.inbound import FULL, Earlier, EarlierMessages, PendingEvent
from machi_sdk.telemetry import get_logger, remote_span

PHOTO_PATIENCE = timedelta(minutes=2)
# What the person wrote after a photo that does not come must not wait for it: it may be that they want no messages.
FOLLOWED_PATIENCE = timedelta(seconds=10)
_NO_DOWNLOAD = "photo-download"
# A message is told as these where what it was meant for took no notice of it.
_PART, _ANEW = "part", "anew"
_TYPED_OR_SENT = ("text", "place", "photo", "unsupported")
# The kinds of events that answer a question without a button.
_ANSWERS = ("text", "place", "media", "other")
_IN_VAIN = (_NO_DOWNLOAD, TOO_SLOW)

log = get_logger()

# The mark of a direct reply, if the event's answer is to be one (`PendingEvent.mark_turned`).
ReplyMark: TypeAlias = Callable[[PendingEvent], str]


class NoPhoto(Exception):
    """The platform has no photo for us: gone, too large, of another kind."""


class DownloadFailed(Exception):
    """The photo could not be fetched now; another try may bring it."""


class Content(Protocol):
    """What people sent, kept by the platform."""

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        """Content type and bytes, bounded. NoPhoto, DownloadFailed to try again, Unavailable until it is mended."""
        ...


class Questions(Protocol):
    """Messages on their way that ask people something."""

    async def asking(self, tenant: str, citizen_id: str) -> bool:
        """Whether the person may read one already whose dialogue is not their focus yet."""
        ...


@dataclass(frozen=True)
class Writer:
    """The person behind an event, and the dialogue they are in (none when its pod is not installed any more).

    `reachable` is False if the person blocked us, or news that they came back was lost.
    """

    citizen_id: str
    language: str
    focus: identity.Focus
    language_chosen: bool = False
    former_ids: tuple[str, ...] = ()
    reachable: bool = True


@dataclass(frozen=True)
class Answered:
    """A pod's answer to a person's event."""

    writer: Writer
    response: wire.TurnResponse

    @property
    def language(self) -> str:
        """The language to answer in: the one just chosen, or the person's."""
        return self.response.language or self.writer.language


@dataclass(frozen=True)
class Turns:
    """Takes turns with the installed pods."""

    people: People
    talkers: Talkers
    openings: InstalledOpenings
    earlier: EarlierMessages
    questions: Questions
    asked: MutableMapping[PendingEvent, asyncio.Task[identity.ResolveResponse]] = field(
        init=False, default_factory=WeakKeyDictionary
    )

    def foresee(self, pending: PendingEvent) -> None:
        """Ask who wrote while the event is being committed: nothing of theirs is open that could change the answer."""
        asking = asyncio.create_task(self._ask_who(pending.tenant, pending.event.address, pending.trace))
        asking.add_done_callback(_heard)
        self.asked[pending] = asking

    async def writer(self, pending: PendingEvent) -> Writer:
        """Who wrote, and in which dialogue they are."""
        self.openings.require()
        asked = self.asked.pop(pending, None)
        person = await (asked or self._person(pending))
        known = self.openings.installed(person.focus.pod)
        focus = person.focus if known else identity.Focus(version=person.focus.version)
        former_ids = tuple(person.former_ids)
        return Writer(person.citizen_id, person.language, focus, person.language_chosen, former_ids, person.reachable)

    async def _person(self, pending: PendingEvent) -> identity.ResolveResponse:
        """Who wrote. A later try is no sign that they are on this channel now."""
        tenant, address = pending.tenant, pending.event.address
        if pending.tries > 1:
            with suppress(Missing):
                return await self.people.known(tenant, address)
        return await self.people.resolve(tenant, address)

    async def answer(self, pending: PendingEvent, content: Content, mark: ReplyMark = lambda _: "") -> Answered | None:
        """Who wrote, the pod's answer, the focus after it; None when the event asks for no answer (it is ended so).

        The answer is kept before the focus moves: a retry with the new focus would be another turn.
        """
        writer, is_kept = await self.writer(pending), pending.stored is not None
        response = await self.take(pending, writer, content)
        if pending.event.HasField("unsent"):
            await self.earlier.blank(pending.tenant, pending.event.unsent.message_id)
        if response is None:
            await pending.mark("ignored", "nothing-to-do")
            return None
        reply_mark = "" if is_kept else mark(pending)
        if not is_kept:
            answer = response.SerializeToString()
            await pending.mark_turned(answer, pending.pod, reply_mark, writer.focus.version)
        try:
            if pending.focus_version in (None, writer.focus.version):  # else it was settled, or they have gone on
                await self.settle_focus(pending, writer, response)
        except Unavailable:
            if reply_mark:
                await pending.free_reply(reply_mark)  # it was not tried
            raise
        return Answered(writer, response)

    async def take(self, pending: PendingEvent, writer: Writer, content: Content) -> wire.TurnResponse | None:
        """The pod's answer, the same again for a retry; None when the event asks for none."""
        if pending.stored is not None:
            return wire.TurnResponse.FromString(pending.stored)
        if pending.event.HasField("unsent"):
            return await self._take_back(pending, writer)
        step = await self._step(pending, writer, content)
        if step is None:
            return None
        step, response = await self._first(pending, writer, step, pending.event.event_id)
        if _came_too_late(step, response):
            return await self._take_anew(pending, writer)
        if not response.understood and step.request.WhichOneof("input") == "text":
            step, response = await self._by_part(pending, writer, step) or (step, response)
        pending.pod = step.pod
        if response.session_state != wire.SESSION_STATE_OPEN:
            await self._lead_back(pending, writer, response, opened=step.opens)
        return response

    async def settle_focus(self, pending: PendingEvent, writer: Writer, response: wire.TurnResponse) -> None:
        """Make the dialogue that this turn opened or ended the person's focus, unless it is so already."""
        for _ in range(2):
            focus = writer.focus
            wanted = _focus_after(response, pending.pod, focus)
            if wanted is None:
                return
            pod, session_id = wanted
            request = identity.SetFocusRequest(
                citizen_id=writer.citizen_id, expected_version=focus.version, pod=pod, session_id=session_id
            )
            try:
                await self.people.focus(pending.tenant, request)
            except Conflict:
                writer = await self.writer(pending)
            else:
                return
        log.warning("focus moved twice", event_id=pending.event.event_id)

    async def _ask_who(self, tenant: str, address: str, trace: Mapping[str, str]) -> identity.ResolveResponse:
        with remote_span(f"{self.people.channel} who wrote", trace):
            return await self.people.resolve(tenant, address)

    async def _first(
        self, pending: PendingEvent, writer: Writer, step: Step, event_id: str
    ) -> tuple[Step, wire.TurnResponse]:
        """What the pod says to it; where that refuses, what the fallback does."""
        try:
            return step, await self._ask(pending, writer, step, event_id)
        except (Missing, Invalid, Conflict) as error:
            log.warning("pod refused the turn", pod=step.pod, reason=error.slug, event_id=event_id)
        step = open_by_role("fallback", "", self.openings)
        return step, await self._ask(pending, writer, step, derived_id(event_id, "fallback"))

    async def _by_part(
        self, pending: PendingEvent, writer: Writer, answering: Step
    ) -> tuple[Step, wire.TurnResponse] | None:
        """What words that answer no question open by a part of them, such as a case number; None when nothing."""
        meant = self.openings.by_part(answering.request.text.text)
        if meant is None:
            return None
        opened = wire.Open(command=meant[0].command, arguments={"text": meant[1]})
        step = Step(meant[0].pod, wire.TurnRequest(open=opened))
        try:
            return step, await self._ask(pending, writer, step, derived_id(pending.event.event_id, _PART))
        except (Missing, Invalid, Conflict, Unavailable):  # then the question is what they are told
            return None

    async def _take_anew(self, pending: PendingEvent, writer: Writer) -> wire.TurnResponse:
        """What was said to a dialogue that is over means what it means to who is in none."""
        nowhere = replace(writer, focus=identity.Focus(version=writer.focus.version))
        step = decide(pending.event, "", self.openings) or open_by_role("fallback", "", self.openings)
        step, response = await self._first(pending, nowhere, step, derived_id(pending.event.event_id, _ANEW))
        pending.pod = step.pod
        if response.session_state != wire.SESSION_STATE_OPEN:
            _end_focus(writer, response)
        return response

    async def _step(self, pending: PendingEvent, writer: Writer, content: Content) -> Step | None:
        step = decide(pending.event, writer.focus.pod, self.openings)
        if step is not None and await self._may_answer(pending, writer, step):
            raise Unavailable("question-arriving")
        if step is not None and pending.event.HasField("followed") and writer.language_chosen:
            step.request.open.arguments["language"] = writer.language  # who comes back is not asked again
        if step is None or not pending.event.HasField("media") or step.opens:
            return step
        media_id = await self._photo(pending, writer, content)
        if not media_id:
            return step
        sent = pending.event.media
        photo = wire.Photo(media_id=media_id, set_id=sent.set_id, set_index=sent.set_index)
        return Step(step.pod, wire.TurnRequest(photo=photo))

    async def _may_answer(self, pending: PendingEvent, writer: Writer, step: Step) -> bool:
        """Whether what says nothing to anybody is the answer to a question that has just been delivered."""
        if writer.focus.pod or pending.event.WhichOneof("kind") not in _ANSWERS or not step.opens:
            return False
        opened = Opening(step.pod, step.request.open.command)
        if opened != self.openings.by_role("fallback") or self.openings.by_words(pending.event.text.text):
            return False
        if await self.questions.asking(pending.tenant, writer.citizen_id):
            return True
        return (await self._person(pending)).focus.version != writer.focus.version  # it has arrived since

    async def _take_back(self, pending: PendingEvent, writer: Writer) -> wire.TurnResponse | None:
        """Take back all that came with the message; answered by the dialogue that asks for it again, if one does."""
        response = None
        for earlier in await self.earlier.find(pending.tenant, pending.event.unsent.message_id):
            for pod, taken in product(self._told(earlier, writer.focus.pod), _told_as(earlier.event_id)):
                step = Step(pod, wire.TurnRequest(retract=wire.Retract(event_id=taken)))
                event_id = derived_id(pending.event.event_id, taken)
                try:
                    said = await self._ask(pending, writer, step, event_id)
                except (Missing, Invalid, Conflict) as error:  # the others are asked whatever one of them says
                    log.warning("pod refused the turn", pod=pod, reason=error.slug, event_id=event_id)
                    continue
                if response is None or said.session_id:
                    response, pending.pod = said, pod
        return response

    def _told(self, earlier: Earlier, focused: str) -> list[str]:
        """The pods that may have something of a message, the one that is talked with last.

        A place may have gone along to whatever was opened with it; a photo that was taken anew was given to the pod of
        the dialogue that is over; what opened a dialogue whose answer was lost, to any.
        """
        told = {earlier.pod or focused}
        if not earlier.pod or earlier.kind in ("place", "media"):
            told |= {opening.pod for opening, _ in self.openings.offered()}
        return sorted(filter(self.openings.installed, told), key=lambda pod: (pod == focused, pod))

    async def _photo(self, pending: PendingEvent, writer: Writer, content: Content) -> str:
        """The id of the photo handed over; empty when it is none, or could not be had again after some minutes."""
        event = pending.event
        if not event.media.content_id:
            return ""
        header = wire.MediaHeader(event_id=event.event_id, citizen_id=writer.citizen_id)
        fetch = partial(content.photo, event.media.content_id)
        try:
            stored = await self.talkers.put_photo(pending.tenant, writer.focus.pod, header, fetch)
        except NoPhoto:
            return ""
        except (DownloadFailed, Unavailable) as error:
            reason = error.slug if isinstance(error, Unavailable) else _NO_DOWNLOAD
            if reason in _IN_VAIN and await _patience_ends(pending):
                return ""
            raise Unavailable(_why(reason, pending)) from error
        return stored.media_id if stored.verdict == wire.MEDIA_VERDICT_STORED else ""

    async def _lead_back(
        self, pending: PendingEvent, writer: Writer, response: wire.TurnResponse, *, opened: bool
    ) -> None:
        """Behind what is over, the question of the dialogue the person is back in; without one, their focus ends.

        They are back where the answer says; after what was over as soon as it was opened, where they were. A pod that
        does not answer now keeps nobody from what another one said: they are back there, and are asked no question.
        """
        goes_on = response.HasField("goes_on")
        if goes_on:
            back = identity.Focus(pod=response.goes_on.pod, session_id=response.goes_on.session_id)
            speaker = replace(await self.writer(pending), focus=back)
        elif opened and writer.focus.pod:
            speaker = writer
        else:
            return
        is_away = False
        if self.openings.installed(speaker.focus.pod):
            try:
                await self._ask_again(pending, speaker, response)
            except Unavailable as error:
                is_away = True
                log.warning("question not asked again", pod=speaker.focus.pod, reason=error.slug)
        if not response.HasField("ask") and not is_away:
            _end_focus(writer, response)
        elif goes_on and opened:
            response.session_id = ""  # what ends is the dialogue they were in, whichever it was

    async def _ask_again(self, pending: PendingEvent, writer: Writer, response: wire.TurnResponse) -> None:
        """Put the question the writer is at behind an answer."""
        speaker = replace(writer, language=response.language or writer.language)
        step = Step(writer.focus.pod, wire.TurnRequest(resume=wire.Resume()))
        resumed = await self._ask(pending, speaker, step, derived_id(pending.event.event_id, "resume"))
        if resumed.HasField("ask"):
            response.messages.extend(resumed.messages)
            response.ask.CopyFrom(resumed.ask)

    async def _ask(self, pending: PendingEvent, writer: Writer, step: Step, event_id: str) -> wire.TurnResponse:
        request = wire.TurnRequest()
        request.CopyFrom(step.request)
        request.event_id = event_id
        request.citizen_id = writer.citizen_id
        request.former_ids.extend(writer.former_ids)
        request.channel = self.people.channel
        request.language = writer.language
        request.session_id = writer.focus.session_id if step.pod == writer.focus.pod else ""
        request.occurred_at.CopyFrom(pending.event.occurred_at)
        return await self.talkers.turn(pending.tenant, step.pod, request)


def _heard(asking: "asyncio.Task[identity.ResolveResponse]") -> None:
    """Whoever waits for it hears of its error; an event that was not committed after all has nobody."""
    if not asking.cancelled():
        asking.exception()


def _why(reason: str, pending: PendingEvent) -> str:
    """Why a photo waits: where no place was free nothing was tried, and what became of the last try still holds."""
    return pending.reason if reason == FULL and pending.reason in _IN_VAIN else reason


async def _patience_ends(pending: PendingEvent) -> bool:
    """Whether a photo was waited for long enough."""
    if any(pending.waited_for(last, PHOTO_PATIENCE) for last in _IN_VAIN):
        return True
    return any(pending.waited_for(last, FOLLOWED_PATIENCE) for last in _IN_VAIN) and await pending.is_followed()


def _told_as(event_id: str) -> list[str]:
    """Every name under which a pod may have been told of an event."""
    return [event_id, *(derived_id(event_id, way) for way in (_PART, _ANEW))]


def _came_too_late(step: Step, response: wire.TurnResponse) -> bool:
    """Whether what was typed or sent was meant for a dialogue that is over."""
    ended = response.session_state == wire.SESSION_STATE_ENDED and not response.understood
    return ended and step.request.WhichOneof("input") in _TYPED_OR_SENT


def _end_focus(writer: Writer, response: wire.TurnResponse) -> None:
    """Let the answer end the dialogue that the writer was in, whoever gave it: there is nothing to go on with."""
    response.ClearField("goes_on")
    if writer.focus.pod:
        response.goes_on.SetInParent()  # into none
        response.session_id, response.session_state = writer.focus.session_id, wire.SESSION_STATE_ENDED


def _focus_after(response: wire.TurnResponse, pod: str, focus: identity.Focus) -> tuple[str, str] | None:
    """The focus to set, or None when the present one is right."""
    if response.session_state == wire.SESSION_STATE_OPEN:
        wanted = (pod, response.session_id)
        return None if wanted == (focus.pod, focus.session_id) else wanted
    ended = response.session_state == wire.SESSION_STATE_ENDED and (focus.pod == pod or response.HasField("goes_on"))
    if not ended or response.session_id not in ("", focus.session_id):
        return None
    return (response.goes_on.pod, response.goes_on.session_id)
