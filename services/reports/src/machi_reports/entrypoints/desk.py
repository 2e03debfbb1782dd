"""What staff do with a card: press its buttons, write in its thread."""

from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import BoardSection, DeskCard
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.case_number import read_case_number
from machi_reports.domain.consent import Decision
from machi_reports.domain.conversation import MAY_ACT, Officer
from machi_reports.domain.states import Done, Move, Outcome
from machi_reports.entrypoints.desk_board import DeskBoard
from machi_reports.entrypoints.desk_forms import (
    COLLEAGUE,
    DESK,
    MOST_WORDS,
    NUMBER,
    PHOTOS,
    WORDS,
    AtDesk,
    as_typed,
    form_of,
    words_needed,
)
from machi_reports.entrypoints.desk_photos import DeskPhotos
from machi_reports.entrypoints.desk_replies import Pressed, reply_to, said
from machi_reports.entrypoints.desk_view import DeskView
from machi_reports.entrypoints.dialogues.answer import close_answers, open_answer
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import Colleagues, CurrentCatalogues
from machi_reports.use_cases.acknowledge_report import acknowledge_report
from machi_reports.use_cases.ask_reporter import ask_reporter
from machi_reports.use_cases.assign_report import assign_report
from machi_reports.use_cases.at_desk import DeskCase, Unread
from machi_reports.use_cases.hand_over_report import hand_over_report
from machi_reports.use_cases.leave_note import leave_note
from machi_reports.use_cases.mark_duplicate import Unfit, mark_duplicate
from machi_reports.use_cases.reject_report import reject_report
from machi_reports.use_cases.resolve_report import resolve_report
from machi_reports.use_cases.take_report import take_report
from machi_reports.use_cases.unreject_report import unreject_report
from machi_reports.use_cases.write_to_reporter import write_to_reporter
from machi_sdk.cards import check_form
from machi_sdk.dialogue import Json, Reply, TurnContext
from machi_sdk.errors import Denied, Invalid, Missing, Unavailable
from machi_sdk.names import says_something
from machi_sdk.rpc import Call

_RECEIVES = "receives"
Closing = TypeVar("Closing", bound=Outcome | Unread)


@dataclass(frozen=True)
class Desk:
    """`machi_sdk.dialogue.DeskHandler`."""

    catalogues: CurrentCatalogues
    view: DeskView
    photos: DeskPhotos
    colleagues: Colleagues
    boards: DeskBoard

    async def prepare(self, turn: TurnContext, card_id: str) -> Mapping[str, Json]:
        """Whether the reporter can be messaged now."""
        await self.catalogues.refresh(turn.tenant)
        with suppress(Unavailable):
            await self.colleagues.refresh(turn.tenant)
        return {_RECEIVES: (await self.view.receives_of_card(card_id, turn.tenant)).value}

    async def card(self, request: wire.CardRequest, call: Call) -> DeskCard:
        """See `DeskView`."""
        return await self.view.card(request, call)

    async def board(self, request: wire.BoardRequest, call: Call) -> list[BoardSection]:
        """See `DeskBoard`."""
        return await self.boards.board(request, call)

    async def press(self, work: ReportsWork, staff: wire.StaffActor, press: wire.CardPress, turn: TurnContext) -> Reply:
        """A pressed action with its form's values."""
        wording = self._wording(turn)
        if not _works_at(staff, press.desk_id):
            return said(wording, "press.not-your-desk")
        case = replace(_case(staff, press.card_id, press.desk_id, turn), seen=press.version)
        if press.action_id == PHOTOS:
            return await _or_why_not(self.photos.open(work, case, wording), wording)
        if press.action_id not in set(Move):
            raise Invalid("action-unknown")
        move, values = Move(press.action_id), as_typed(dict(press.values))
        pressed = self._pressed(move, values, press.desk_id, turn)
        form = form_of(move, pressed.at_desk, wording)
        problems = check_form(form, values) if form else {}
        if problems:
            return said(wording, "press.form", problem=" / ".join(problems.values()))
        return await _or_why_not(_replied(work, case, wording, pressed), wording)

    async def reply(self, work: ReportsWork, staff: wire.StaffActor, reply: wire.CardReply, turn: TurnContext) -> Reply:
        """Words in the thread go to the reporter."""
        wording = self._wording(turn)
        if not _works_at(staff, reply.desk_id):
            return said(wording, "press.not-your-desk")
        if not says_something(reply.text) or len(reply.text) > MOST_WORDS:
            return said(wording, "press.form", problem=words_needed(reply.text, wording))
        case = _case(staff, reply.card_id, reply.desk_id, turn)
        pressed = self._pressed(Move.WRITE, {WORDS: reply.text}, reply.desk_id, turn)
        return await _or_why_not(_replied(work, case, wording, pressed), wording)

    def _pressed(self, move: Move, values: Mapping[str, str], desk_id: str, turn: TurnContext) -> Pressed:
        colleagues = self.colleagues.at_desk(turn.tenant, desk_id)
        if move is Move.ASSIGN and not colleagues:
            raise Unavailable("colleagues-unknown")  # identity was never reached: it is done once it is
        return Pressed(
            move,
            values,
            at_desk=AtDesk(desk_id, colleagues),
            name_of=partial(self.colleagues.name, turn.tenant),
        )

    def _wording(self, turn: TurnContext) -> Wording:
        return Wording(turn.language, self.catalogues.current(turn.tenant))


async def _or_why_not(reply: Awaitable[Reply], wording: Wording) -> Reply:
    try:
        return await reply
    except Denied:
        return said(wording, "press.elsewhere")
    except Missing:
        return said(wording, "press.unknown")


async def _replied(work: ReportsWork, case: DeskCase, wording: Wording, pressed: Pressed) -> Reply:
    return await reply_to(work, case, wording, pressed, await _done(work, case, wording, pressed))


async def _done(work: ReportsWork, case: DeskCase, wording: Wording, pressed: Pressed) -> Outcome | Unfit | Unread:
    words = pressed.values.get(WORDS, "")
    match pressed.move:
        case Move.ACKNOWLEDGE | Move.UNREJECT:
            return await _begun(work, case, pressed)
        case Move.TAKE | Move.ASSIGN:
            return await _given(work, case, pressed)
        case Move.NOTE:
            return await leave_note(case, words, work)
        case Move.DUPLICATE:
            return await _joined(work, case, pressed)
        case Move.HAND_OVER:
            return await hand_over_report(case, pressed.values[DESK], words, wording.catalogue, work)
    return await _spoken(work, case, pressed.move, words)


async def _begun(work: ReportsWork, case: DeskCase, pressed: Pressed) -> Outcome:
    if pressed.move is Move.UNREJECT:
        return await unreject_report(case, work)
    return await acknowledge_report(case, pressed.at_desk.staff_ids, work)


async def _given(work: ReportsWork, case: DeskCase, pressed: Pressed) -> Outcome:
    if pressed.move is Move.TAKE:
        return await take_report(case, pressed.at_desk.staff_ids, work)
    return await assign_report(case, pressed.values[COLLEAGUE], pressed.at_desk.staff_ids, work)


async def _spoken(work: ReportsWork, case: DeskCase, move: Move, words: str) -> Outcome | Unread:
    """The moves whose words go to the reporter."""
    match move:
        case Move.ASK:
            return await ask_reporter(case, words, partial(open_answer, work), work)
        case Move.WRITE:
            return await write_to_reporter(case, words, partial(open_answer, work), work)
        case Move.RESOLVE:
            return await _closed(work, case, await resolve_report(case, words, work))
        case Move.REJECT:
            return await _closed(work, case, await reject_report(case, words, work))
    raise Invalid("action-unknown")


async def _joined(work: ReportsWork, case: DeskCase, pressed: Pressed) -> Outcome | Unfit | Unread:
    outcome = await mark_duplicate(case, read_case_number(pressed.values[NUMBER]) or "", work)
    return outcome if isinstance(outcome, Unfit) else await _closed(work, case, outcome)


async def _closed(work: ReportsWork, case: DeskCase, outcome: Closing) -> Closing:
    """Nobody waits for an answer about a closed case."""
    if isinstance(outcome, Done):
        await close_answers(work, await work.reports.get(case.report_id))
    return outcome


def _works_at(staff: wire.StaffActor, desk_id: str) -> bool:
    return desk_id in staff.desk_ids and not MAY_ACT.isdisjoint(staff.roles)


def _case(staff: wire.StaffActor, card_id: str, desk_id: str, turn: TurnContext) -> DeskCase:
    silent = Decision(str(turn.facts.get(_RECEIVES, Decision.UNKNOWN))).silent
    return DeskCase(card_id, desk_id, Officer(staff.staff_id, staff.display_name), turn.now, silent)
