"""One turn of a conversation: planned outside the transaction, finished inside it, the same again for a retry."""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.messages_pb2 import Message
from machi_sdk.aliases import learn
from machi_sdk.clock import Clock
from machi_sdk.dialogue import sessions
from machi_sdk.dialogue.answers import Answers, Json
from machi_sdk.dialogue.asides import PAUSE, Asides
from machi_sdk.dialogue.controls import TEXTS, Controls
from machi_sdk.dialogue.parsing import Unreadable, answer_of, sent_key
from machi_sdk.dialogue.questions import PhotoQ, Question, WordsQ, takes_words_for_next, to_wire
from machi_sdk.dialogue.script import AtOnce, Cancelling, Dialogue, Reject, Reply, TurnContext, known_now
from machi_sdk.dialogue.sessions import Session
from machi_sdk.errors import Conflict, Invalid, Missing, Unavailable
from machi_sdk.ids import derived_id
from machi_sdk.messages import text
from machi_sdk.telemetry import histogram
from machi_sdk.work import Work, Works

W = TypeVar("W", bound=Work)
Retracted = Callable[[W, TurnContext, str], Awaitable[None]]
Prepare = Callable[[TurnContext], Awaitable[None]]

_TRIES = 4
# What was typed or sent before, which any dialogue may be opened with: no wish to begin anew.
CARRIED = frozenset({"text", "sent", "latitude", "longitude", "place", "sent_in"})


@dataclass(frozen=True)
class Plan:
    """What this turn will do: the session as read, its next answers, and what to say first."""

    session: Session | None = None
    answers: Answers | None = None
    say: tuple[Message, ...] = ()
    reply: Reply | None = None
    ends: bool = False
    understood: bool = True
    retracts: str = ""


class DialogueKit(Generic[W]):
    """Runs a pod's dialogues; `prepare` is awaited before each turn, `retracted` takes back what came of a message."""

    def __init__(
        self,
        works: Works[W],
        dialogues: Iterable[Dialogue[W] | AtOnce],
        clock: Clock,
        retracted: Retracted[W] | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        self._works = works
        self._opened = {dialogue.command: dialogue for dialogue in dialogues}
        self._dialogues = {name: each for name, each in self._opened.items() if isinstance(each, Dialogue)}
        self.clock = clock
        self._retracted = retracted
        self._prepare = prepare
        self._controls = Controls(TEXTS)
        self._asides = Asides(TEXTS)

    async def turn(self, request: wire.TurnRequest, tenant: str) -> wire.TurnResponse:
        """Answer one event of a citizen; Unavailable when it should be tried again."""
        if not request.event_id:
            raise Invalid("event-id-missing")
        started = time.perf_counter()
        for _ in range(_TRIES):
            response = await self._attempt(request, tenant)
            if response is not None:
                labels = (request.WhichOneof("input") or "none", _outcome(response))
                histogram("machi_turn_seconds").labels(*labels).observe(time.perf_counter() - started)
                return response
        raise Unavailable("session-busy")

    async def _attempt(self, request: wire.TurnRequest, tenant: str) -> wire.TurnResponse | None:
        """The answer, or None when another turn of the session was quicker."""
        context = self._context(request, tenant)
        kept, context, session = await self._read(request, context)
        if kept is not None:
            return wire.TurnResponse.FromString(kept)
        if self._prepare is not None:
            await self._prepare(context)
        plan = await self._plan(session, request, context)
        try:
            return await self._commit(plan, request, context)
        except Conflict as conflict:
            if not sessions.moved(conflict):
                raise
            return None

    def _context(self, request: wire.TurnRequest, tenant: str) -> TurnContext:
        return TurnContext(
            tenant=tenant,
            citizen_id=request.citizen_id,
            channel=request.channel,
            language=request.language,
            event_id=request.event_id,
            session_id=request.session_id,
            now=self.clock.now(),
        )

    async def _read(
        self, request: wire.TurnRequest, context: TurnContext
    ) -> tuple[bytes | None, TurnContext, Session | None]:
        """The answer already given to this event, or else the session it is about; by the id the person goes by now."""
        await self._learn(request, context)
        asked = (context.event_id, context.citizen_id, context.session_id)
        begun = await sessions.begun(self._works, context.tenant, *asked)
        context = replace(context, citizen_id=begun.citizen_id)
        if begun.response is not None:
            return begun.response, context, None
        return None, context, await self._meant(request, begun.session, context)

    async def _learn(self, request: wire.TurnRequest, context: TurnContext) -> None:
        """Learn of a merge from `former_ids` when CitizenMerged has not arrived."""
        if request.former_ids:
            async with self._works.begin(context.tenant) as work:
                await learn(work, context.citizen_id, request.former_ids)

    async def _meant(self, request: wire.TurnRequest, focused: Session | None, context: TurnContext) -> Session | None:
        """The focused session, if the person can answer it; of questions that wait for them, the one shown last.

        A button of the focused one means that one. Where it is over, what waits is meant.
        """
        session = self._living(focused, context)
        if not context.session_id or request.WhichOneof("input") == "open":
            return session
        if session is not None and (not session.waits or self._controls.ask_id(request) == session.ask_id):
            return session
        async with self._works.begin(context.tenant) as work:
            waiting = await sessions.newest_waiting(work, context.citizen_id)
        return self._living(waiting, context) or session

    def _living(self, session: Session | None, context: TurnContext) -> Session | None:
        """The session, if this person can still answer it."""
        if session is None or session.citizen_id != context.citizen_id or session.command not in self._dialogues:
            return None
        return session if session.alive(context.now) else None

    async def _plan(self, session: Session | None, request: wire.TurnRequest, context: TurnContext) -> Plan:
        kind = request.WhichOneof("input")
        if kind is None:
            raise Invalid("input-missing")
        if kind == "open":
            return await self._begin(session, request, context)
        if kind == "retract":
            return self._retract(session, request.retract.event_id)
        if session is None:
            return Plan(say=(text(TEXTS.say(context.language, "no-session")),), ends=True, understood=False)
        return await self._step(session, request, context)

    async def _begin(self, interrupted: Session | None, request: wire.TurnRequest, context: TurnContext) -> Plan:
        dialogue = self._opened.get(request.open.command)
        if dialogue is None:
            raise Invalid("command-unknown", request.open.command)
        started = await dialogue.begin(context, dict(request.open.arguments))
        if isinstance(started, Reply):
            return Plan(reply=started)
        earlier = await self._half_told(interrupted, request.open, context)
        if earlier is not None:
            return Plan(earlier, self._asides.asked_to_go_on(earlier.answers, started))
        behind = _behind(interrupted, dialogue.command)
        answers = started.coming_between(*behind) if behind else started
        session_id = derived_id("session", context.tenant, request.event_id)
        return Plan(Session(session_id, context.citizen_id, dialogue.command, answers, 0, context.now), answers)

    async def _half_told(self, interrupted: Session | None, opened: wire.Open, context: TurnContext) -> Session | None:
        """This very dialogue, open with answers, which nobody should lose by a press, wherever they were meanwhile.

        What was opened with something of its own, such as another case, begins with that.
        """
        if opened.arguments.keys() - CARRIED:
            return None
        session = interrupted
        if session is None or session.command != opened.command:
            async with self._works.begin(context.tenant) as work:
                session = await sessions.half_told(work, context.citizen_id, sessions.LIFETIME, opened.command)
        if session is None or not session.answers.steps:
            return None
        return session if self._question(session, session.answers, context.language) is not None else None

    def _retract(self, session: Session | None, event_id: str) -> Plan:
        earlier = session.answers.taken_back(event_id) if session is not None else None
        if session is None or earlier is None:
            return Plan(retracts=event_id)
        return Plan(session, self._asides.left(earlier), retracts=event_id)

    async def _step(self, session: Session, request: wire.TurnRequest, context: TurnContext) -> Plan:
        question = self._question(session, session.answers, context.language)
        if question is None:  # nothing is missing any more: the dialogue or its data changed since it was asked
            return Plan(session, session.answers)
        stale = self._controls.ask_id(request)
        if stale and stale != session.ask_id:
            return Plan(session, say=(text(TEXTS.say(context.language, "old-button")),), understood=False)
        control = self._controls.of(request, question, awaited=session.waits)
        if control is not None:
            return self._control(session, question, control, context)
        if session.answers.asked not in ("", question.key):  # a newer release asks something else first
            return Plan(session, session.answers, understood=False)
        return await self._answer(session, question, request, context)

    async def _answer(
        self, session: Session, question: Question, request: wire.TurnRequest, context: TurnContext
    ) -> Plan:
        if request.WhichOneof("input") == "resume":
            if session.stays:
                return Plan(ends=True)
            return Plan(session, await known_now(self._dialogues[session.command], context, session.answers))
        if self._asides.comes_back(session.answers, request, session.touched_at, context.now):
            begun = await self._begun_with(session, request.text.text, context)
            return Plan(session, self._asides.asked_to_go_on(session.answers, begun), understood=False)
        if takes_words_for_next(question.kind) and request.WhichOneof("input") == "text":
            return await self._pass_over(session, question, request, context)
        try:
            value = answer_of(question.kind, request, self._controls.yes_no)
        except Unreadable as reason:
            is_one_more = reason.key == sent_key("photo") and self._has_photos(session, context.language)
            key = "sent.photo-more" if is_one_more else reason.key
            return Plan(session, say=(text(TEXTS.say(context.language, key, **reason.places)),), understood=False)
        return await self._settle(session, question, value, context)

    async def _begun_with(self, session: Session, typed: str, context: TurnContext) -> Answers | None:
        """What the dialogue would begin with, had these words opened it: who starts over says them only once."""
        if not typed:
            return None
        try:
            begun = await self._dialogues[session.command].begin(context, {"text": typed})
        except Missing:  # such words open it only where something waits for them
            return None
        return begun if isinstance(begun, Answers) else None

    def _has_photos(self, session: Session, language: str) -> bool:
        """Whether a question before the present one asked for photos and got some."""
        ask, answers = self._dialogues[session.command].ask, session.answers
        asked = (ask(replace(answers, steps=answers.steps[:told]), language) for told in range(len(answers.steps)))
        photos = {question.key for question in asked if question is not None and isinstance(question.kind, PhotoQ)}
        return any(answers.all(key) for key in photos)

    async def _pass_over(
        self, session: Session, question: Question, request: wire.TurnRequest, context: TurnContext
    ) -> Plan:
        """Words instead of another photo answer a question for words; any other question has to be seen first."""
        passed = session.answers.answered(question.key, None, context.event_id)
        behind = self._question(session, passed, context.language)
        if behind is None or not isinstance(behind.kind, WordsQ):
            return Plan(session, passed, understood=behind is None)
        plan = await self._step(replace(session, answers=passed), request, context)
        # What is wrong with the words is said with the photos still open.
        return plan if plan.answers is not None else replace(plan, session=session)

    async def _settle(self, session: Session, question: Question, value: Json, context: TurnContext) -> Plan:
        dialogue = self._dialogues[session.command]
        if self._asides.stands(session.answers):
            asked = dialogue.ask(session.answers, context.language)
            after = self._asides.settled(asked, session.answers, value)
            return self._cancelled(session, context) if after is None else Plan(session, after)
        correcting = self._asides.correcting(question, session.answers, value)
        if correcting is not None:
            return Plan(session, correcting)
        settled = await dialogue.settle(context, session.answers, question.key, value)
        if isinstance(settled, Reject):
            kept = replace(session.answers, given={**session.answers.given, **(settled.keep or {})})
            return Plan(session, kept if settled.keep else None, say=settled.messages, understood=False)
        return Plan(session, session.answers.answered(question.key, settled.value, context.event_id))

    def _control(
        self, session: Session, question: Question, control: "wire.ControlKind.ValueType", context: TurnContext
    ) -> Plan:
        language = context.language
        if control == wire.CONTROL_KIND_CANCEL:
            return self._cancelled(session, context)
        if control == wire.CONTROL_KIND_BACK:
            return self._back(session, language)
        if control == wire.CONTROL_KIND_SKIP:
            if not question.optional:
                return Plan(session, say=(text(TEXTS.say(language, "not-optional")),), understood=False)
            return Plan(session, session.answers.answered(question.key, None, context.event_id))
        return Plan(session, say=(text(TEXTS.say(language, "help")),))

    def _cancelled(self, session: Session, context: TurnContext) -> Plan:
        key = "cancelled" if session.answers.steps else "stopped"
        return Plan(session, session.answers, say=(text(TEXTS.say(context.language, key)),), ends=True)

    def _question(self, session: Session, answers: Answers, language: str) -> Question | None:
        """What is asked now, asides included."""
        return self._asides.question(self._dialogues[session.command].ask(answers, language), answers, language)

    def _back(self, session: Session, language: str) -> Plan:
        if self._asides.stands(session.answers):
            return Plan(session, self._asides.left(session.answers))
        if self._is_first(session, self._question(session, session.answers, language), language):
            return Plan(session, say=(text(TEXTS.say(language, "at-the-start")),))
        return Plan(session, session.answers.back())

    def _is_first(self, session: Session, question: Question | None, language: str) -> bool:
        """Whether there is nothing to go back to; "back" takes away nothing that came along, to ask the same again."""
        answers = session.answers
        came_along = len(answers.steps) == 1 and not answers.before
        return answers.at_start or (came_along and self._question(session, answers.back(), language) == question)

    async def _commit(self, plan: Plan, request: wire.TurnRequest, context: TurnContext) -> wire.TurnResponse:
        async with self._works.begin(context.tenant) as work:
            response = await self._respond(work, plan, context)
            work.hop("turn-answered", input=request.WhichOneof("input") or "", event_id=request.event_id)
            sessions.keep_response(work, request.event_id, response.SerializeToString())
        return response

    async def _respond(self, work: W, plan: Plan, context: TurnContext) -> wire.TurnResponse:
        if plan.retracts:
            await self._take_back(work, plan, context)
        if plan.session is None:
            reply = plan.reply or Reply(plan.say)
            state = wire.SESSION_STATE_ENDED if plan.ends else wire.SESSION_STATE_UNSPECIFIED
            return reply.response(state, understood=plan.understood)
        return await self._respond_in_session(work, plan, plan.session, context)

    async def _take_back(self, work: W, plan: Plan, context: TurnContext) -> None:
        """What came with an unsent message leaves the person's other conversations, and what the pod made of it."""
        await sessions.hold(work, context.citizen_id)
        kept = await sessions.kept_response(work, plan.retracts)
        told = wire.TurnResponse.FromString(kept).session_id if kept is not None else ""
        await sessions.take_back(work, context.citizen_id, plan.retracts, plan.session, told)
        if self._retracted is not None:
            await self._retracted(work, context, plan.retracts)

    async def _respond_in_session(
        self, work: W, plan: Plan, session: Session, context: TurnContext
    ) -> wire.TurnResponse:
        dialogue = self._dialogues[session.command]
        answers = plan.answers if plan.answers is not None else session.answers
        question = self._question(session, answers, context.language)
        ends = plan.ends or question is None
        version = session.version
        if plan.answers is not None or session.version == 0 or session.stays:
            kept = sessions.asking(answers, question.key if question is not None else "")
            version = await sessions.store(work, session, kept, ended=ends)
        if ends or question is None:
            if plan.ends and isinstance(dialogue, Cancelling):
                await dialogue.cancelled(work, context, answers)
            reply = Reply() if plan.ends else await dialogue.finish(work, context, answers)
            reply = replace(reply, messages=(*plan.say, *reply.messages))
            response = reply.response(wire.SESSION_STATE_ENDED, understood=plan.understood)
            await self._go_on(work, response, answers, context)
            reply.stay(response)
        else:
            asked = Reply((*plan.say, *question.before))
            response = asked.response(wire.SESSION_STATE_OPEN, understood=plan.understood)
            self._ask(response, question, replace(session, answers=answers, version=version), context.language)
        response.session_id = response.session_id or session.session_id
        return response

    async def _go_on(self, work: W, response: wire.TurnResponse, answers: Answers, context: TurnContext) -> None:
        """After a dialogue's end, the one it came between or one that is half told, else what waits for the person."""
        if not response.HasField("goes_on"):
            pod, session_id = answers.behind or ("", "")
            response.goes_on.CopyFrom(wire.OpenDialogue(pod=pod, session_id=session_id))
        if response.goes_on.pod:
            return
        session = self._living(await sessions.find(work, response.goes_on.session_id), context)
        response.ClearField("goes_on")
        for find in (partial(sessions.half_told, within=PAUSE), sessions.newest_waiting):
            session = session or self._living(await find(work, context.citizen_id), context)
        if session is None:
            return
        language = response.language or context.language
        question = self._question(session, session.answers, language)
        if question is not None:
            response.session_id, response.session_state = session.session_id, wire.SESSION_STATE_OPEN
            self._ask(response, question, session, language)

    def _ask(self, response: wire.TurnResponse, question: Question, session: Session, language: str) -> None:
        controls = self._controls.offered(language, question, first=self._is_first(session, question, language))
        response.ask.CopyFrom(to_wire(question, session.ask_id, controls))


def _behind(interrupted: Session | None, command: str) -> tuple[str, str] | None:
    """Where a dialogue leads back to that was opened while another one was open in the pod.

    One in which nothing was answered, or which is now begun anew, is given up for the one behind it.
    """
    if interrupted is None:
        return None
    if interrupted.answers.steps and interrupted.command != command:
        return "", interrupted.session_id
    return interrupted.answers.behind


def _outcome(response: wire.TurnResponse) -> str:
    if not response.understood:
        return "again"
    return wire.SessionState.Name(response.session_state).removeprefix("SESSION_STATE_").lower()
