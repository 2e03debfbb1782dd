"""What an officer is told about a press: done, or who was first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.states import ENDING, Done, Move, Outcome, Step
from machi_reports.entrypoints.desk_forms import COLLEAGUE, DESK, AtDesk
from machi_reports.entrypoints.wording import Wording
from machi_reports.use_cases.at_desk import DeskCase, Unread
from machi_reports.use_cases.mark_duplicate import Unfit
from machi_sdk import messages as say
from machi_sdk.dialogue import Reply

_GIVING = frozenset({Move.TAKE, Move.ASSIGN})
_SENDING = frozenset({Move.ASK, Move.WRITE})
# The moves that say where a case stands: each has its words, `did.*`.
STANDS_BY = _SENDING | ENDING | {Move.ACKNOWLEDGE, Move.HAND_OVER, Move.UNREJECT}


@dataclass(frozen=True)
class Pressed:
    """A checked press; `name_of` knows staff by id."""

    move: Move
    values: Mapping[str, str]
    at_desk: AtDesk
    name_of: Callable[[str], str]


def said(wording: Wording, key: str, **places: str | int) -> Reply:
    """One text."""
    return Reply((say.text(wording.say(key, **places)),))


async def reply_to(
    work: ReportsWork, case: DeskCase, wording: Wording, pressed: Pressed, outcome: Outcome | Unfit | Unread
) -> Reply:
    """What came of a press, in words."""
    if isinstance(outcome, Unfit):
        return said(wording, f"press.duplicate-{outcome}")
    if isinstance(outcome, Unread):
        return said(wording, "press.unread")
    if not isinstance(outcome, Done):
        return await _already(work, case, wording, pressed)
    if pressed.move in _SENDING:
        return _sent(wording, case, pressed.move)
    number = (await work.reports.get(case.report_id)).filing.case_number
    if pressed.move in _GIVING:
        named = pressed.values.get(COLLEAGUE, "")
        return said(wording, "press.assigned", number=number, name=pressed.name_of(named) or case.officer.name)
    desk = wording.desk(pressed.values.get(DESK, case.desk_id))
    return said(wording, f"press.{pressed.move}", number=number, desk=desk)


def _sent(wording: Wording, case: DeskCase, move: Move) -> Reply:
    if case.silent:
        return said(wording, "press.not-sent")
    return said(wording, "press.sent") if move is Move.ASK else Reply()  # the thread shows that it went out


async def _already(work: ReportsWork, case: DeskCase, wording: Wording, pressed: Pressed) -> Reply:
    report = await work.reports.get(case.report_id)
    is_giving = pressed.move in _GIVING and report.is_open
    last = await (_gave(work, case) if is_giving else work.reports.last_step(case.report_id, STANDS_BY))
    if last is None or last.officer is None:
        return said(wording, "press.already-plain", state=wording.say(f"state.{report.state}"))
    time, who = wording.time_of_day(last.at, case.at), last.officer.name
    if is_giving:
        holder = pressed.name_of(report.assignee_id) or wording.say("desk.colleague")
        return said(wording, "press.held", holder=holder, time=time, who=who)
    return said(wording, "press.already", who=who, time=time, what=wording.say(f"did.{last.move}"))


async def _gave(work: ReportsWork, case: DeskCase) -> Step | None:
    """Who gave it to whoever holds it: an acknowledgement did only where nobody had, since it came to the desk."""
    given = await work.reports.last_step(case.report_id, _GIVING | {Move.HAND_OVER})
    if given is None or given.move is Move.HAND_OVER:
        return await work.reports.last_step(case.report_id, {Move.ACKNOWLEDGE})
    return given
