"""A resident's report and everything that may happen to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import cos, hypot, radians

from machi_reports.domain.conversation import Officer, Update, is_rated, open_questions
from machi_reports.domain.states import (
    ALLOWED,
    CLOSED_STATES,
    OPEN_STATES,
    Done,
    Move,
    NotNow,
    Outcome,
    State,
    Step,
    TooLate,
)

REOPEN_WITHIN = timedelta(days=14)
METRES_PER_DEGREE = 111_320


@dataclass(frozen=True)
class Place:
    """Where: a point (WGS 84), words, or both. `event_id` is the message it came with."""

    latitude: float | None = None
    longitude: float | None = None
    title: str = ""
    address: str = ""
    event_id: str = ""

    @property
    def point(self) -> tuple[float, float] | None:
        """Latitude and longitude, where a point was given."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    def metres_to(self, other: "Place") -> int | None:
        """How far the other point is, by the flat earth; None without two points."""
        here, there = self.point, other.point
        if here is None or there is None:
            return None
        east = (there[1] - here[1]) * cos(radians(here[0]))
        return round(hypot(there[0] - here[0], east) * METRES_PER_DEGREE)

    @property
    def words(self) -> str:
        """Title and address as one line; empty when only a point was given."""
        return " ".join(part for part in (self.title, self.address) if part)


@dataclass(frozen=True)
class Filing:
    """What never changes about a report once it is filed (but for what its author takes back)."""

    report_id: str
    case_number: str
    citizen_id: str
    category_code: str
    details: Mapping[str, str]
    place: Place
    ward_code: str
    messages_allowed: bool | None
    trace_id: str
    filed_at: datetime
    urgent: bool = False


@dataclass
class Report:
    """The aggregate. Moves return what came of them; `fresh` holds the steps not stored yet."""

    filing: Filing
    desk_id: str
    state: State = State.FILED
    version: int = 0
    score: int | None = None
    reopened: int = 0
    reopened_at: datetime | None = None
    reopen_before: datetime | None = None
    closed_at: datetime | None = None
    assignee_id: str = ""
    leading_id: str = ""
    fresh: list[Step] = field(default_factory=list)

    @classmethod
    def file(cls, filing: Filing, desk_id: str, words: Update) -> "Report":
        """A new report, at the desk it is routed to."""
        report = cls(filing, desk_id)
        report._record(Step(Move.FILE, State.FILED, 0, filing.filed_at, desk_id, update=words))
        return report

    @property
    def report_id(self) -> str:
        """Its identifier."""
        return self.filing.report_id

    @property
    def is_open(self) -> bool:
        """Whether a desk still has something to do."""
        return self.state in OPEN_STATES

    def is_late(self, due_before: datetime) -> bool:
        """Whether it is open, and was filed, or reopened since, when by now it should be closed."""
        return self.is_open and (self.reopened_at or self.filing.filed_at) <= due_before

    def may_reopen(self, at: datetime) -> bool:
        """Whether its reporter may reopen it at that moment."""
        is_closed = self.state in ALLOWED[Move.REOPEN]
        return is_closed and self.reopen_before is not None and at < self.reopen_before

    def holder(self, at_desk: Collection[str]) -> str:
        """Who holds it: nobody who left its desk. While nobody is known to work there, whoever was given it."""
        return self.assignee_id if not at_desk or self.assignee_id in at_desk else ""

    def acknowledge(self, officer: Officer, at: datetime, at_desk: Collection[str]) -> Outcome:
        """An officer takes it on; what nobody holds is then that officer's."""
        outcome = self._move(Step(Move.ACKNOWLEDGE, State.ACKNOWLEDGED, 0, at, self.desk_id, officer))
        if isinstance(outcome, Done):
            self.assignee_id = self.holder(at_desk) or officer.staff_id
        return outcome

    def take(self, officer: Officer, entry: Update, at_desk: Collection[str]) -> Outcome:
        """An officer makes it theirs, while nobody holds it."""
        is_held = self.holder(at_desk) != ""
        return NotNow(self.state) if is_held else self._assign(Move.TAKE, officer, officer.staff_id, entry)

    def assign(self, officer: Officer, assignee_id: str, entry: Update) -> Outcome:
        """An officer gives it to a colleague, whoever holds it."""
        if assignee_id == self.assignee_id:
            return NotNow(self.state)
        return self._assign(Move.ASSIGN, officer, assignee_id, entry)

    def note(self, officer: Officer, entry: Update) -> Outcome:
        """An officer leaves a word for colleagues; nobody else hears of it."""
        return self._move(Step(Move.NOTE, self.state, 0, entry.at, self.desk_id, officer, entry))

    def ask(self, officer: Officer, question: Update, session_id: str) -> Outcome:
        """An officer asks the reporter; `session_id` waits for the answer."""
        state = State.ASKED if self.is_open else self.state
        return self._move(Step(Move.ASK, state, 0, question.at, self.desk_id, officer, question, session_id))

    def write(self, officer: Officer, message: Update, session_id: str) -> Outcome:
        """An officer writes to the reporter, who may reply; the state stays."""
        return self._move(Step(Move.WRITE, self.state, 0, message.at, self.desk_id, officer, message, session_id))

    def answer(self, answer: Update, said: Sequence[Update]) -> Outcome:
        """The reporter answers, in time or late. `said` is all that was said before: another question may be open."""
        is_done = self.state is State.ASKED and not open_questions([*said, answer])
        state = State.ANSWERED if is_done else self.state
        return self._move(Step(Move.ANSWER, state, 0, answer.at, self.desk_id, update=answer))

    def resolve(self, officer: Officer, note: Update) -> Outcome:
        """An officer says it is done."""
        return self._move(Step(Move.RESOLVE, State.RESOLVED, 0, note.at, self.desk_id, officer, note))

    def reject(self, officer: Officer, reason: Update) -> Outcome:
        """An officer says the city will not act on it, and why."""
        return self._move(Step(Move.REJECT, State.REJECTED, 0, reason.at, self.desk_id, officer, reason))

    def unreject(self, officer: Officer, at: datetime) -> Outcome:
        """An officer undoes that: the city acts on it after all; what follows another case waits for that one again."""
        state = State.DUPLICATE if self.leading_id else State.ACKNOWLEDGED
        return self._move(Step(Move.UNREJECT, state, 0, at, self.desk_id, officer))

    def hand_over(self, officer: Officer, to_desk_id: str, words: Update) -> Outcome:
        """An officer gives it to another desk; its state stays, and nobody there holds it yet."""
        if to_desk_id == self.desk_id:
            return NotNow(self.state)
        step = Step(Move.HAND_OVER, self.state, 0, words.at, to_desk_id, officer, words, from_desk_id=self.desk_id)
        outcome = self._move(step)
        if isinstance(outcome, Done):
            self.assignee_id = ""
        return outcome

    def join(self, officer: Officer, leading: "Report", entry: Update) -> Outcome:
        """An officer says it is the same as another case: it waits for that one's end, or shares it at once."""
        state = State.DUPLICATE if leading.is_open else leading.state
        outcome = self._move(Step(Move.DUPLICATE, state, 0, entry.at, self.desk_id, officer, entry))
        if isinstance(outcome, Done):
            self.leading_id = leading.report_id
        return outcome

    def gather(self, officer: Officer, entry: Update) -> Outcome:
        """Another case was found to be the same as this one, which leads; its state stays."""
        return self._move(Step(Move.GATHER, self.state, 0, entry.at, self.desk_id, officer, entry))

    def regroup(self, officer: Officer, leading: "Report", entry: Update) -> Outcome:
        """Its leading case was found to be the same as another, which leads from now on; its state stays."""
        self.leading_id = leading.report_id
        return self._move(Step(Move.REGROUP, self.state, 0, entry.at, self.desk_id, officer, entry))

    def follow(self, officer: Officer, state: State, words: Update) -> Outcome:
        """Its leading case was closed like this, with these words."""
        return self._move(Step(Move.FOLLOW, state, 0, words.at, self.desk_id, officer, words))

    def part(self, entry: Update) -> Outcome:
        """A duplicate of this case was reopened by its reporter and stands for itself again."""
        return self._move(Step(Move.PART, self.state, 0, entry.at, self.desk_id, update=entry))

    def rate(self, score: int, rating: Update) -> Outcome:
        """The reporter rates what was done, 1 to 5, once per resolution."""
        if self.score is not None or not 1 <= score <= 5:
            return NotNow(self.state)
        outcome = self._move(Step(Move.RATE, self.state, 0, rating.at, self.desk_id, update=rating))
        if isinstance(outcome, Done):
            self.score = score
        return outcome

    def reopen(self, words: Update) -> Outcome:
        """The reporter says it is not done, or not the same; possible for `REOPEN_WITHIN` after it was closed."""
        is_closed = self.state in ALLOWED[Move.REOPEN]
        if is_closed and self.reopen_before is not None and words.at >= self.reopen_before:
            return TooLate(self.reopen_before)
        outcome = self._move(Step(Move.REOPEN, State.REOPENED, 0, words.at, self.desk_id, update=words))
        if isinstance(outcome, Done):
            self.score, self.reopen_before, self.leading_id = None, None, ""
            self.reopened, self.reopened_at = self.reopened + 1, words.at
        return outcome

    def retract(self, at: datetime, desks: Sequence[str], said: Sequence[Update]) -> Outcome:
        """The reporter took back words, a place, a photo, or a rating; every desk that saw them hears of it.

        `said` is what is left: a question whose answer is gone is open again, a case whose rating is gone is not rated.
        """
        is_asked = self.state is State.ANSWERED and bool(open_questions(said))
        state = State.ASKED if is_asked else self.state
        is_unrated = self.score is not None and not is_rated(said)
        self.score = None if is_unrated else self.score
        move = Move.UNRATE if is_unrated else Move.RETRACT
        return self._move(Step(move, state, 0, at, self.desk_id, also=tuple(desks)))

    def expire(self, at: datetime, desks: Sequence[str]) -> Outcome:
        """Its photos were kept as long as the city keeps them."""
        return self._move(Step(Move.EXPIRE, self.state, 0, at, self.desk_id, also=tuple(desks)))

    def remind(self, reminder: Update) -> Outcome:
        """Its desk is reminded of it; the state stays."""
        return self._move(Step(Move.REMIND, self.state, 0, reminder.at, self.desk_id, update=reminder))

    def miss(self, entry: Update) -> Outcome:
        """A message to the reporter did not arrive; the state stays."""
        return self._move(Step(Move.MISS, self.state, 0, entry.at, self.desk_id, update=entry))

    def renew(self, at: datetime) -> Outcome:
        """What its card shows beside the case changed, such as whether messages reach the reporter."""
        return self._move(Step(Move.RENEW, self.state, 0, at, self.desk_id))

    def without_place(self) -> None:
        """Forget the exact place; ward and desk stay."""
        self.filing = replace(self.filing, place=Place())

    def _assign(self, move: Move, officer: Officer, assignee_id: str, entry: Update) -> Outcome:
        outcome = self._move(Step(move, self.state, 0, entry.at, self.desk_id, officer, entry))
        if isinstance(outcome, Done):
            self.assignee_id = assignee_id
        return outcome

    def _move(self, step: Step) -> Outcome:
        if self.state not in ALLOWED[step.move]:
            return NotNow(self.state)
        return self._record(step)

    def _record(self, step: Step) -> Done:
        self.version += 1
        if step.state is not self.state:
            self.closed_at = step.at if step.state in CLOSED_STATES else None
            may_reopen = step.state in ALLOWED[Move.REOPEN]
            self.reopen_before = step.at + REOPEN_WITHIN if may_reopen else None
        self.state, self.desk_id = step.state, step.desk_id
        recorded = replace(step, version=self.version)
        self.fresh.append(recorded)
        return Done(recorded)
