"""What may happen to a report, and that nothing else ever does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi_reports.adapters.standing import NOT_CLOSED, OPEN, among
from machi_reports.domain.conversation import Officer, Update, UpdateKind, open_questions
from machi_reports.domain.report import REOPEN_WITHIN, Filing, Place, Report
from machi_reports.domain.states import ANY_STATE, Done, Move, NotNow, Outcome, State, TooLate

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
OFFICER = Officer("s1", "担当1")
MOVES = [move for move in Move if move is not Move.FILE]


def a_report() -> Report:
    filing = Filing("r1", "FK-0000-0000", "c1", "road", {}, Place(), "40133", True, "", NOON)
    return Report.file(filing, "roads-chuo", says(NOON, UpdateKind.WORDS))


def says(at: datetime, kind: UpdateKind = UpdateKind.NOTE) -> Update:
    return Update("u1", kind, "words", at)


def make(report: Report, move: Move, at: datetime) -> Outcome:
    to = "front" if report.desk_id != "front" else "roads-chuo"
    leading = a_report()
    moves: dict[Move, Callable[[], Outcome]] = {
        Move.ACKNOWLEDGE: lambda: report.acknowledge(OFFICER, at, ()),
        Move.TAKE: lambda: report.take(OFFICER, says(at), ()),
        Move.ASSIGN: lambda: report.assign(OFFICER, "s2" if report.assignee_id != "s2" else "s1", says(at)),
        Move.NOTE: lambda: report.note(OFFICER, says(at)),
        Move.ASK: lambda: report.ask(OFFICER, says(at), "session"),
        Move.WRITE: lambda: report.write(OFFICER, says(at), ""),
        Move.ANSWER: lambda: report.answer(says(at, UpdateKind.ANSWER), ()),
        Move.RESOLVE: lambda: report.resolve(OFFICER, says(at)),
        Move.REJECT: lambda: report.reject(OFFICER, says(at)),
        Move.UNREJECT: lambda: report.unreject(OFFICER, at),
        Move.HAND_OVER: lambda: report.hand_over(OFFICER, to, says(at)),
        Move.DUPLICATE: lambda: report.join(OFFICER, leading, says(at)),
        Move.GATHER: lambda: report.gather(OFFICER, says(at)),
        Move.REGROUP: lambda: report.regroup(OFFICER, leading, says(at)),
        Move.FOLLOW: lambda: report.follow(OFFICER, State.RESOLVED, says(at)),
        Move.PART: lambda: report.part(says(at)),
        Move.RATE: lambda: report.rate(4, says(at)),
        Move.REOPEN: lambda: report.reopen(says(at)),
        Move.RETRACT: lambda: report.retract(at, ["roads-chuo"], ()),
        Move.UNRATE: lambda: report.retract(at, [], ()),
        Move.EXPIRE: lambda: report.expire(at, ["roads-chuo"]),
        Move.REMIND: lambda: report.remind(says(at)),
        Move.MISS: lambda: report.miss(says(at)),
        Move.RENEW: lambda: report.renew(at),
    }
    return moves[move]()


@given(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 5 * 24))))
def test_every_history_is_consistent(moves: list[tuple[Move, int]]) -> None:
    report, at = a_report(), NOON
    for move, hours in moves:
        at += timedelta(hours=hours)
        before = (report.state, report.version, report.desk_id, report.score, len(report.fresh))
        outcome = make(report, move, at)
        if isinstance(outcome, Done):
            assert report.version == before[1] + 1
            assert outcome.step == report.fresh[-1]
        else:
            assert (report.state, report.version, report.desk_id, report.score, len(report.fresh)) == before
    assert [step.version for step in report.fresh] == list(range(1, report.version + 1))
    assert report.fresh[-1].state == report.state
    assert (report.score is None) or report.state is State.RESOLVED
    assert (report.reopen_before is not None) == (report.state in {State.RESOLVED, State.DUPLICATE})
    assert (report.closed_at is not None) == (not report.is_open)


def test_migrations_have_made_the_indexes_that_statements_ask_for() -> None:
    """A new state needs a migration: PostgreSQL uses an index only where the statement says the same."""
    versions = (Path(__file__).resolve().parents[1] / "migrations" / "versions").glob("*.py")
    made = "\n".join(path.read_text(encoding="utf-8") for path in versions)
    assert [condition for condition in (OPEN, NOT_CLOSED, among(ANY_STATE)) if f'"{condition}"' not in made] == []


def test_the_second_acknowledgement_changes_nothing() -> None:
    report = a_report()
    assert isinstance(report.acknowledge(OFFICER, NOON, ()), Done)
    assert report.acknowledge(Officer("s2", "担当2"), NOON, ()) == NotNow(State.ACKNOWLEDGED)


@pytest.mark.parametrize(("at_desk", "held"), [((), True), (("s1", "s2"), True), (("s2",), False)])
def test_who_left_the_desk_holds_nothing(at_desk: tuple[str, ...], *, held: bool) -> None:
    report, successor = a_report(), Officer("s2", "担当2")
    report.assign(OFFICER, "s1", says(NOON))
    assert isinstance(report.take(successor, says(NOON), at_desk), NotNow) == held
    report = a_report()
    report.assign(OFFICER, "s1", says(NOON))
    report.acknowledge(successor, NOON, at_desk)
    assert report.assignee_id == ("s1" if held else "s2")


def test_a_question_and_its_answer() -> None:
    report = a_report()
    report.ask(OFFICER, says(NOON), "session")
    report.answer(says(NOON), ())
    assert [step.state for step in report.fresh] == [State.FILED, State.ASKED, State.ANSWERED]


def test_a_case_waits_until_every_question_has_an_answer() -> None:
    report, entries = a_report(), [Update(name, UpdateKind.QUESTION, "?", NOON) for name in ("q1", "q2")]
    for question in entries:
        report.ask(OFFICER, question, "session")
    for question_id in ("", "q2", "q1"):
        answer = Update(f"to {question_id}", UpdateKind.ANSWER, "words", NOON, question_id=question_id)
        report.answer(answer, entries)
        entries.append(answer)
    report.retract(NOON, [], entries)
    report.retract(NOON, [], [replace(entry, retracted=entry.kind is UpdateKind.ANSWER) for entry in entries])
    states = [step.state for step in report.fresh[-5:]]
    assert states == [State.ASKED, State.ASKED, State.ANSWERED, State.ANSWERED, State.ASKED]


@pytest.mark.parametrize("kind", [UpdateKind.NOTE, UpdateKind.REASON, UpdateKind.DUPLICATE])
def test_what_was_asked_before_a_case_ended_waits_no_more(kind: UpdateKind) -> None:
    before, after = (Update(name, UpdateKind.QUESTION, "?", NOON) for name in ("before", "after"))
    assert open_questions([before, says(NOON, kind), after]) == [after]


def test_a_late_answer_is_kept_and_does_not_open_the_case() -> None:
    report = a_report()
    report.ask(OFFICER, says(NOON), "session")
    report.resolve(OFFICER, says(NOON))
    assert isinstance(report.answer(says(NOON), ()), Done)
    assert report.state is State.RESOLVED


def test_reopening_ends_after_fourteen_days() -> None:
    report = a_report()
    report.resolve(OFFICER, says(NOON))
    assert report.reopen(says(NOON + REOPEN_WITHIN)) == TooLate(NOON + REOPEN_WITHIN)
    assert isinstance(report.reopen(says(NOON + REOPEN_WITHIN - timedelta(seconds=1))), Done)
    assert report.state is State.REOPENED
    assert report.reopened == 1


def test_a_case_is_closed_once_until_it_is_reopened() -> None:
    report, day = a_report(), timedelta(days=1)
    report.resolve(OFFICER, says(NOON))
    report.rate(5, says(NOON + day))
    report.retract(NOON + 2 * day, [], ())
    assert report.closed_at == NOON
    again = a_report()
    again.resolve(OFFICER, says(NOON))
    again.reopen(says(NOON + day))
    assert again.closed_at is None
    again.reject(OFFICER, says(NOON + 2 * day))
    assert again.fresh[-1].at == again.closed_at


def test_a_rating_counts_once_per_resolution() -> None:
    report = a_report()
    assert report.rate(5, says(NOON)) == NotNow(State.FILED)
    report.resolve(OFFICER, says(NOON))
    assert isinstance(report.rate(5, says(NOON)), Done)
    assert report.rate(1, says(NOON)) == NotNow(State.RESOLVED)
    report.reopen(says(NOON))
    report.resolve(OFFICER, says(NOON))
    assert isinstance(report.rate(2, says(NOON)), Done)


def test_a_rating_of_an_earlier_resolution_is_no_rating_of_the_present_one() -> None:
    report, entries = a_report(), [says(NOON, UpdateKind.RATING), says(NOON, UpdateKind.REOPENING)]
    report.resolve(OFFICER, says(NOON))
    report.rate(3, says(NOON, UpdateKind.RATING))
    present = says(NOON, UpdateKind.RATING)
    report.retract(NOON, [], [replace(entries[0], retracted=True), entries[1], present])
    assert report.score == 3
    report.retract(NOON, [], [*entries, replace(present, retracted=True)])
    assert report.score is None


def test_the_state_stays_when_another_desk_gets_it() -> None:
    report = a_report()
    report.acknowledge(OFFICER, NOON, ())
    outcome = report.hand_over(OFFICER, "front", says(NOON))
    assert isinstance(outcome, Done)
    assert (outcome.step.from_desk_id, outcome.step.desk_id, report.state) == (
        "roads-chuo",
        "front",
        State.ACKNOWLEDGED,
    )
    assert report.hand_over(OFFICER, "front", says(NOON)) == NotNow(State.ACKNOWLEDGED)
