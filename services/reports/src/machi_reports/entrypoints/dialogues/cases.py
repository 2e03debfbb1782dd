"""The dialogue `cases`: a person's own reports and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from machi.dialogue.v1.messages_pb2 import Button, Carousel, InfoCard, Message
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.case_number import looks_like_case_number
from machi_reports.domain.report import Report
from machi_reports.domain.states import State
from machi_reports.entrypoints.dialogues.own_cases import named_case
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import CurrentCatalogues
from machi_sdk import messages as say
from machi_sdk.dialogue import Reply, TurnContext
from machi_sdk.work import Works

MOST_SHOWN = 10


@dataclass(frozen=True)
class CasesDialogue:
    """`machi_sdk.dialogue.AtOnce`, whatever was decided about messages."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    command: str = "cases"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Reply:
        """The person's cases as cards and how many more there are, or the one whose number was typed."""
        wording = Wording(turn.language, await self.catalogues.refresh(turn.tenant))
        typed = arguments.get("text", "")
        if looks_like_case_number(typed, wording.catalogue.case_prefix):
            return await self._one(typed, turn, wording)
        async with self.works.begin(turn.tenant) as work:
            total, reports = await work.reports.of_citizen(turn.citizen_id, MOST_SHOWN)
        if not reports:
            button = say.command_button(wording.say("cases.report"), "reports", "report")
            return Reply((say.card(wording.say("cases.open"), wording.say("cases.none"), buttons=[button]),))
        cards = [_card(report, wording, turn.now) for report in reports]
        shown = (say.text(wording.say("cases.order")), Message(carousel=Carousel(cards=cards)))
        more = total - len(reports)
        return Reply((*shown, say.text(wording.say("cases.more", n=more))) if more else shown)

    async def _one(self, typed: str, turn: TurnContext, wording: Wording) -> Reply:
        """A number that is wrong, unknown, or somebody else's: all are answered alike."""
        async with self.works.begin(turn.tenant) as work:
            report = await named_case(work, turn, {"case": typed})
        if report is None:
            button = say.command_button(wording.say("cases.open"), "reports", "cases")
            return Reply((say.card(wording.say("cases.open"), wording.say("case.not-yours"), buttons=[button]),))
        return Reply((Message(card=_card(report, wording, turn.now)),))


def _card(report: Report, wording: Wording, now: datetime) -> InfoCard:
    filing = report.filing
    facts = {
        wording.say("report.number"): filing.case_number,
        wording.say("fact.state"): wording.say(f"state.{report.state}"),
        wording.say("fact.filed"): wording.moment(filing.filed_at, now),
        wording.say("fact.detail"): wording.details(filing.category_code, filing.details),
    }
    shown = [(label, value) for label, value in facts.items() if value]
    return say.info_card(wording.category(filing.category_code), "", shown, _buttons(report, wording, now))


def _buttons(report: Report, wording: Wording, now: datetime) -> list[Button]:
    commands = []
    if report.state is State.ASKED:
        commands.append("answer")
    if report.state is State.RESOLVED and report.score is None:
        commands.append("rate")
    if report.may_reopen(now):
        commands.append("reopen")
    return [
        say.command_button(wording.say(f"cases.{name}"), "reports", name, case=report.report_id) for name in commands
    ]
