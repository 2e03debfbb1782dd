"""What staff do with a card: press its buttons, write in its thread."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import DeskCard
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.conversation import Officer
from machi_reports.domain.states import Done, Move, Outcome
from machi_reports.entrypoints.desk_card import SILENT
from machi_reports.entrypoints.desk_forms import DESK, MOST_WORDS, PHOTOS, WORDS, form_of, words_needed
from machi_reports.entrypoints.desk_photos import DeskPhotos
from machi_reports.entrypoints.desk_view import DeskView
from machi_reports.entrypoints.dialogues.answer import close_answers, open_answer
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import CurrentCatalogues
from machi_reports.use_cases.acknowledge_report import acknowledge_report
from machi_reports.use_cases.ask_reporter import ask_reporter
from machi_reports.use_cases.at_desk import DeskCase
from machi_reports.use_cases.hand_over_report import hand_over_report
from machi_reports.use_cases.reject_report import reject_report
from machi_reports.use_cases.resolve_report import resolve_report
from machi_reports.use_cases.write_to_reporter import write_to_reporter
from machi_sdk import messages as say
from machi_sdk.cards import check_form
from machi_sdk.dialogue import Json, Reply, TurnContext
from machi_sdk.errors import Denied, Invalid, Missing
from machi_sdk.rpc import Call

MAY_ACT = frozenset({"officer", "lead"})
_RECEIVES = "receives"


@dataclass(frozen=True)
class Desk:
    """`machi_sdk.dialogue.DeskHandler`."""

    catalogues: CurrentCatalogues
    view: DeskView
    photos: DeskPhotos

    async def prepare(self, turn: TurnContext, card_id: str) -> Mapping[str, Json]:
        """Whether the reporter can be messaged now."""
        await self.catalogues.refresh(turn.tenant)
        return {_RECEIVES: (await self.view.receives_of_card(card_id, turn.tenant)).value}

    async def card(self, request: wire.CardRequest, call: Call) -> DeskCard:
        """See `DeskView`."""
        return await self.view.card(request, call)

    async def press(self, work: ReportsWork, staff: wire.StaffActor, press: wire.CardPress, turn: TurnContext) -> Reply:
        """A pressed action with its form's values."""
        wording = self._wording(turn)
        if not _works_at(staff, press.desk_id):
            return _said(wording, "press.not-your-desk")
        case = _case(staff, press.card_id, press.desk_id, turn)
        if press.action_id == PHOTOS:
            return await _or_why_not(self.photos.open(work, case, wording), wording)
        if press.action_id not in set(Move):
            raise Invalid("action-unknown")
        move, values = Move(press.action_id), dict(press.values)
        form = form_of(move, press.desk_id, wording)
        problems = check_form(form, values) if form else {}
        if problems:
            return _said(wording, "press.form", problem=" / ".join(problems.values()))
        pressed = _Pressed(move, values, _is_silent(turn))
        return await _or_why_not(_replied(work, case, wording, pressed), wording)

    async def reply(self, work: ReportsWork, staff: wire.StaffActor, reply: wire.CardReply, turn: TurnContext) -> Reply:
        """Words in the thread go to the reporter."""
        wording = self._wording(turn)
        if not _works_at(staff, reply.desk_id):
            return _said(wording, "press.not-your-desk")
        if not reply.text.strip() or len(reply.text) > MOST_WORDS:
            return _said(wording, "press.form", problem=words_needed(reply.text, wording))
        case = _case(staff, reply.card_id, reply.desk_id, turn)
        pressed = _Pressed(Move.WRITE, {WORDS: reply.text}, _is_silent(turn))
        return await _or_why_not(_replied(work, case, wording, pressed), wording)

    def _wording(self, turn: TurnContext) -> Wording:
        return Wording(turn.language, self.catalogues.current(turn.tenant))


@dataclass(frozen=True)
class _Pressed:
    move: Move
    values: Mapping[str, str]
    is_silent: bool


async def _or_why_not(reply: Awaitable[Reply], wording: Wording) -> Reply:
    try:
        return await reply
    except Denied:
        return _said(wording, "press.elsewhere")
    except Missing:
        return _said(wording, "case.unknown")


async def _replied(work: ReportsWork, case: DeskCase, wording: Wording, pressed: _Pressed) -> Reply:
    outcome = await _done(work, case, wording, pressed)
    if isinstance(outcome, Done):
        return await _confirmed(work, case, wording, pressed)
    return await _already(work, case, wording)


async def _confirmed(work: ReportsWork, case: DeskCase, wording: Wording, pressed: _Pressed) -> Reply:
    number = (await work.reports.get(case.report_id)).filing.case_number
    match pressed.move:
        case Move.ACKNOWLEDGE:
            return _said(wording, "press.acknowledged", number=number)
        case Move.ASK:
            return _said(wording, "press.not-sent" if pressed.is_silent else "press.sent")
        case Move.WRITE:  # the thread shows that it went out
            return _said(wording, "press.not-sent") if pressed.is_silent else Reply()
        case Move.HAND_OVER:
            return _said(wording, "press.handed-over", desk=wording.desk(pressed.values[DESK]))
    return _said(wording, "press.resolved" if pressed.move is Move.RESOLVE else "press.rejected", number=number)


async def _done(work: ReportsWork, case: DeskCase, wording: Wording, pressed: _Pressed) -> Outcome:
    words = pressed.values.get(WORDS, "")
    match pressed.move:
        case Move.ACKNOWLEDGE:
            return await acknowledge_report(case, work)
        case Move.ASK:
            return await ask_reporter(case, words, lambda report, text: open_answer(work, report, text), work)
        case Move.WRITE:
            return await write_to_reporter(case, words, lambda report, _: open_answer(work, report, ""), work)
        case Move.RESOLVE:
            return await _closed(work, case, await resolve_report(case, words, work))
        case Move.REJECT:
            return await _closed(work, case, await reject_report(case, words, work))
        case Move.HAND_OVER:
            return await hand_over_report(case, pressed.values[DESK], words, wording.catalogue, work)
    raise Invalid("action-unknown")


async def _closed(work: ReportsWork, case: DeskCase, outcome: Outcome) -> Outcome:
    """Nobody waits for an answer about a closed case."""
    if isinstance(outcome, Done):
        await close_answers(work, await work.reports.get(case.report_id))
    return outcome


async def _already(work: ReportsWork, case: DeskCase, wording: Wording) -> Reply:
    report = await work.reports.get(case.report_id)
    last = await work.reports.last_step(case.report_id)
    if last is None or last.officer is None:
        return _said(wording, "press.already-plain", state=wording.say(f"state.{report.state}"))
    time = wording.time_of_day(last.at, case.at)
    return _said(wording, "press.already", who=last.officer.name, time=time, what=wording.say(f"did.{last.move}"))


def _is_silent(turn: TurnContext) -> bool:
    return turn.facts.get(_RECEIVES) in SILENT


def _works_at(staff: wire.StaffActor, desk_id: str) -> bool:
    return desk_id in staff.desk_ids and not MAY_ACT.isdisjoint(staff.roles)


def _case(staff: wire.StaffActor, card_id: str, desk_id: str, turn: TurnContext) -> DeskCase:
    return DeskCase(card_id, desk_id, Officer(staff.staff_id, staff.display_name), turn.now)


def _said(wording: Wording, key: str, **places: str | int) -> Reply:
    return Reply((say.text(wording.say(key, **places)),))
