"""What each step of a report says to the rest of the city: facts, and cards for desks."""

from collections.abc import Callable

from google.protobuf.message import Message

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.reports.v1 import events_pb2 as events
from machi_reports.domain.report import Report
from machi_reports.domain.states import ENDING, Move, State, Step
from machi_sdk.clock import stamp
from machi_sdk.work import Work

REPORTS = "machi.reports.v1"
CARDS = "machi.desk.cards.v1"
POD = "reports"

# What a resident says or takes back goes before what nobody waits for.
AT_ONCE = frozenset({Move.ANSWER, Move.REOPEN, Move.RETRACT, Move.UNRATE})
# The card offers other colleagues; it says nothing that it did not say before.
QUIET = frozenset({Move.RENEW})


def publish(report: Report, step: Step, work: Work) -> None:
    """Let the step's fact and the desks' cards leave with the commit."""
    fact = _fact(report, step)
    if fact is not None:
        work.emit(REPORTS, report.report_id, fact)
    for desk_id in filter(None, dict.fromkeys((step.from_desk_id, step.desk_id, *step.also))):
        card = CardAnnounced(
            card_id=report.report_id,
            desk_id=desk_id,
            pod=POD,
            version=step.version,
            occurred_at=stamp(step.at),
            urgent=report.filing.urgent or step.move in AT_ONCE,
            quiet=step.move in QUIET,
        )
        work.emit(CARDS, report.report_id, card)


def _ref(report: Report, step: Step) -> events.ReportRef:
    filing = report.filing
    return events.ReportRef(
        report_id=report.report_id,
        case_number=filing.case_number,
        citizen_id=filing.citizen_id,
        version=step.version,
        category_code=filing.category_code,
        ward_code=filing.ward_code,
        desk_id=step.desk_id,
        occurred_at=stamp(step.at),
    )


def _fact(report: Report, step: Step) -> Message | None:
    ref = _ref(report, step)
    staff_id = step.officer.staff_id if step.officer else ""
    update_id = step.update.update_id if step.update else ""
    until = stamp(report.reopen_before) if report.reopen_before else None
    session_id, from_desk_id = step.session_id, step.from_desk_id
    ended: dict[State, Callable[[], Message]] = {
        State.RESOLVED: lambda: events.ReportResolved(
            report=ref, staff_id=staff_id, update_id=update_id, reopen_before=until
        ),
        State.REJECTED: lambda: events.ReportRejected(report=ref, staff_id=staff_id, update_id=update_id),
        State.DUPLICATE: lambda: events.ReportMarkedDuplicate(
            report=ref, staff_id=staff_id, leading_report_id=report.leading_id, reopen_before=until
        ),
    }
    if step.move in ENDING or (step.move is Move.UNREJECT and step.state in ended):
        return ended[step.state]()
    facts: dict[Move, Callable[[], Message]] = {
        Move.FILE: lambda: events.ReportFiled(report=ref),
        Move.ACKNOWLEDGE: lambda: events.ReportAcknowledged(report=ref, staff_id=staff_id),
        Move.UNREJECT: lambda: events.ReportAcknowledged(report=ref, staff_id=staff_id),
        Move.ASK: lambda: events.ReporterAsked(
            report=ref, staff_id=staff_id, update_id=update_id, session_id=session_id
        ),
        Move.WRITE: lambda: events.ReporterWrittenTo(
            report=ref, staff_id=staff_id, update_id=update_id, session_id=session_id
        ),
        Move.ANSWER: lambda: events.ReporterAnswered(report=ref, update_id=update_id),
        Move.HAND_OVER: lambda: events.ReportHandedOver(report=ref, staff_id=staff_id, from_desk_id=from_desk_id),
        Move.REOPEN: lambda: events.ReportReopened(report=ref),
        Move.RATE: lambda: events.ReportRated(report=ref, score=report.score or 0),
        Move.UNRATE: lambda: events.ReportRated(report=ref),
    }
    return facts[step.move]() if step.move in facts else None
