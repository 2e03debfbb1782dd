"""The dialogue `reopen`: it is not done yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.states import Done, Outcome, State, TooLate
from machi_reports.entrypoints.dialogues.own_cases import named_case, own_case, said, unknown
from machi_reports.entrypoints.dialogues.report_questions import WORDS, urgent_in
from machi_reports.entrypoints.wording import TEXTS, Wording
from machi_reports.ports import CurrentCatalogues
from machi_reports.use_cases.reopen_report import reopen_report
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext
from machi_sdk.work import Works


@dataclass(frozen=True)
class ReopenDialogue:
    """`machi_sdk.dialogue.Dialogue`; argument `case`."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    command: str = "reopen"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """The case, or why it cannot be reopened."""
        async with self.works.begin(turn.tenant) as work:
            report = await named_case(work, turn, arguments)
        if report is None:
            return unknown(turn)
        if report.may_reopen(turn.now):
            joined = {"joined": "yes"} if report.state is State.DUPLICATE else {}
            return Answers(given={"case": report.report_id, "number": report.filing.case_number, **joined})
        if report.state is State.RESOLVED:
            return said(turn, "reopen.too-late")
        return said(turn, "reopen.rejected" if report.state is State.REJECTED else "reopen.not-now")

    def ask(self, answers: Answers, language: str) -> Question | None:
        """What is still wrong; or, of a case that was joined to another, what is different."""
        if "words" in answers:
            return None
        key = "reopen.ask-different" if "joined" in answers else "reopen.ask"
        return Question("words", TEXTS.say(language, key, number=answers.text("number")), WORDS)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Any words will do."""
        return Accept(value)

    async def finish(self, work: ReportsWork, turn: TurnContext, answers: Answers) -> Reply:
        """The desk gets it again; who tells of a danger hears whom to phone."""
        case = own_case(answers.text("case"), answers.event_of("words"), turn)
        outcome = await reopen_report(case, answers.text("words"), work)
        told = said(turn, _told(outcome))
        urgent = urgent_in(answers.text("words"), Wording(turn.language, self.catalogues.current(turn.tenant)))
        return Reply((*told.messages, *urgent))


def _told(outcome: Outcome) -> str:
    if isinstance(outcome, Done):
        return "reopen.done"
    return "reopen.too-late" if isinstance(outcome, TooLate) else "reopen.not-now"
