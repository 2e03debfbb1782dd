"""The dialogue `rate`: one to five for what was done."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.report import Report
from machi_reports.domain.states import Done, State
from machi_reports.entrypoints.dialogues.own_cases import named_case, own_case, said, unknown
from machi_reports.entrypoints.wording import TEXTS
from machi_reports.ports import City
from machi_reports.use_cases.rate_report import rate_report
from machi_sdk.dialogue import Accept, Answers, Choices, Json, Opt, Question, Reject, Reply, TurnContext
from machi_sdk.errors import Missing
from machi_sdk.work import Works

SCORES = ("1", "2", "3", "4", "5")
ASKED_FOR = timedelta(hours=72)
MOST_SOUGHT = 100
_SCORE = re.compile("[1-5]")


@dataclass(frozen=True)
class RateDialogue:
    """`machi_sdk.dialogue.Dialogue`; arguments `case`, and `score` when a star was pressed; or a score as `text`."""

    works: Works[ReportsWork]
    command: str = "rate"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """The case and the score, or why it cannot be rated now; Missing for a typed score that nobody asked for."""
        typed = _SCORE.search(unicodedata.normalize("NFKC", arguments.get("text", "")))
        async with self.works.begin(turn.tenant) as work:
            report = await (_just_done(work, turn) if typed else named_case(work, turn, arguments))
        if report is None:
            return unknown(turn)
        if report.state is not State.RESOLVED or report.score is not None:
            return said(turn, _why_not(report))
        given: dict[str, Json] = {"case": report.report_id, "number": report.filing.case_number}
        score = typed[0] if typed else arguments.get("score")
        if score in SCORES:
            given["score"] = score
        return Answers(given=given)

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The score, unless it came with the button."""
        if "score" in answers:
            return None
        prompt = TEXTS.say(language, "rate.ask", number=answers.text("number"))
        return Question("score", prompt, Choices(tuple(Opt(score, score) for score in SCORES)))

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Every offered score is fine."""
        return Accept(value)

    async def finish(self, work: ReportsWork, turn: TurnContext, answers: Answers) -> Reply:
        """Count it, once."""
        case = own_case(answers.text("case"), turn.event_id, turn)
        rated = await rate_report(case, int(answers.text("score")), work)
        if isinstance(rated.outcome, Done):
            return said(turn, "rate.thanks", score=answers.text("score"))
        return said(turn, _why_not(rated.report))


async def _just_done(city: City, turn: TurnContext) -> Report:
    """The case whose rating the person was asked for last, in the days in which a message is answered."""
    _, reports = await city.reports.of_citizen(turn.citizen_id, MOST_SOUGHT, 0)
    done = [(each.closed_at, each) for each in reports if each.state is State.RESOLVED and each.score is None]
    recent = [(at, each) for at, each in done if at is not None and turn.now - at < ASKED_FOR]
    if not recent:
        raise Missing("nothing-to-rate")
    return max(recent, key=lambda found: found[0])[1]


def _why_not(report: Report) -> str:
    if report.score is not None:
        return "rate.already"
    return "rate.rejected" if report.state is State.REJECTED else "rate.not-now"
