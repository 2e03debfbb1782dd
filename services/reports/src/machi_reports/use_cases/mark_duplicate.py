"""An officer says that two cases are the same."""

from dataclasses import dataclass
from enum import StrEnum

from machi_reports.domain.conversation import Update, UpdateKind
from machi_reports.domain.report import Report
from machi_reports.domain.states import Done, Outcome, State
from machi_reports.ports import City
from machi_reports.use_cases.at_desk import DeskCase, Unread, at_desk, is_unread, officer_says
from machi_sdk.errors import Unavailable


class Unfit(StrEnum):
    """Why a case cannot lead this one."""

    UNKNOWN = "unknown"
    ITSELF = "itself"
    CLOSED = "closed"


@dataclass(frozen=True)
class _Pair:
    """Both cases, locked, and the words with which the leading one was closed, if it is."""

    report: Report
    leading: Report
    last_words: str


async def mark_duplicate(case: DeskCase, case_number: str, city: City) -> Outcome | Unfit | Unread:
    """The case is closed and waits for the end of the other one, or of the one that this other waits for itself."""
    found = await city.reports.find(case_number)
    if found is None:
        return Unfit.UNKNOWN
    leading_id = found.leading_id or found.report_id
    if leading_id == case.report_id:
        return Unfit.ITSELF
    pair = await _locked(case, leading_id, city)
    if not pair.leading.is_open and pair.leading.desk_id != case.desk_id:
        return Unfit.CLOSED
    if await is_unread(case, city):
        return Unread()
    entry = _words(case, pair) or officer_says(case, UpdateKind.DUPLICATE, pair.leading.filing.case_number)
    outcome = pair.report.join(case.officer, pair.leading, entry)
    if isinstance(outcome, Done):
        await _regroup(case, pair, city)
        await city.reports.save(pair.report)
        number = pair.report.filing.case_number
        pair.leading.gather(case.officer, officer_says(case, UpdateKind.GATHERED, number))
        await city.reports.save(pair.leading)
        city.hop("report.joined", report_id=case.report_id, leading_id=leading_id)
    return outcome


async def _locked(case: DeskCase, leading_id: str, city: City) -> _Pair:
    """One order for all: leading cases by id, then what they lead. Unavailable when a rival made it a follower."""
    locked = {each: await city.reports.lock(each) for each in sorted({case.report_id, leading_id})}
    report, leading = at_desk(locked[case.report_id], case), locked[leading_id]
    if leading.leading_id:
        raise Unavailable("case-busy", "the other case was joined to a third meanwhile")
    closing = {State.RESOLVED: UpdateKind.NOTE, State.REJECTED: UpdateKind.REASON}.get(leading.state)
    said = await city.reports.conversation(leading_id) if closing else []
    return _Pair(report, leading, next((each.text for each in reversed(said) if each.kind is closing), ""))


async def _regroup(case: DeskCase, pair: _Pair, city: City) -> None:
    """What followed the case until now follows its leading case."""
    followers = await city.reports.lock_led_by(case.report_id)
    for follower in followers:
        entry = officer_says(case, UpdateKind.DUPLICATE, pair.leading.filing.case_number)
        follower.regroup(case.officer, pair.leading, entry)
        words = _words(case.for_others, pair)
        if words is not None:
            follower.follow(case.officer, pair.leading.state, words)
    await city.reports.save(*followers)


def _words(case: DeskCase, pair: _Pair) -> Update | None:
    """What a closed leading case's reporter was told, for those who share its end."""
    if pair.leading.is_open:
        return None
    kind = UpdateKind.NOTE if pair.leading.state is State.RESOLVED else UpdateKind.REASON
    return officer_says(case, kind, pair.last_words)
