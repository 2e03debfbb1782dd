"""The dialogue `cases`: a person's own reports and where they stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from machi.dialogue.v1.messages_pb2 import Button, Carousel, InfoCard, Message
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.case_number import looks_like_case_number
from machi_reports.domain.conversation import Update, UpdateKind, open_questions
from machi_reports.domain.report import Report
from machi_reports.domain.states import State
from machi_reports.entrypoints.dialogues.own_cases import named_case, own_words_button
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import CurrentCatalogues
from machi_sdk import messages as say
from machi_sdk.dialogue import Reply, TurnContext
from machi_sdk.work import Works

MOST_SHOWN, MOST_WORDS = 10, 40
_MOST_DIGITS = 6


@dataclass(frozen=True)
class CasesDialogue:
    """`machi_sdk.dialogue.AtOnce`, whatever was decided about messages."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    command: str = "cases"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Reply:
        """The person's cases as cards, `skip` of them passed over, or the one whose number was typed."""
        wording = Wording(turn.language, await self.catalogues.refresh(turn.tenant))
        typed = arguments.get("text", "")
        if looks_like_case_number(typed, wording.catalogue.case_prefix):
            return await self._one(typed, turn, wording)
        async with self.works.begin(turn.tenant) as work:
            skipped = _skipped(arguments)
            total, reports = await work.reports.of_citizen(turn.citizen_id, MOST_SHOWN, skipped)
            if skipped and not reports:  # there are fewer than when the button was shown
                skipped = 0
                total, reports = await work.reports.of_citizen(turn.citizen_id, MOST_SHOWN, skipped)
            said = await work.reports.conversations([report.report_id for report in reports])
        if not reports:
            button = say.command_button(wording.say("cases.report"), "reports", "report")
            return Reply((say.card(wording.say("cases.open"), wording.say("cases.none"), buttons=[button]),))
        cards = [_card(report, wording, turn.now, said[report.report_id]) for report in reports]
        shown = (say.text(wording.say("cases.order")), Message(carousel=Carousel(cards=cards)))
        return Reply((*shown, *_more(total, skipped + len(reports), wording)))

    async def _one(self, typed: str, turn: TurnContext, wording: Wording) -> Reply:
        """A number that is wrong, unknown, or somebody else's: all are answered alike."""
        async with self.works.begin(turn.tenant) as work:
            report = await named_case(work, turn, {"case": typed})
            said = await work.reports.conversation(report.report_id) if report else []
        if report is None:
            button = say.command_button(wording.say("cases.open"), "reports", "cases")
            return Reply((say.card(wording.say("cases.open"), wording.say("case.not-yours"), buttons=[button]),))
        return Reply((Message(card=_card(report, wording, turn.now, said)),))


def _skipped(arguments: Mapping[str, str]) -> int:
    """How many were shown before; anything else than a number that a button carries is none."""
    skip = arguments.get("skip", "")
    return int(skip) if skip.isdecimal() and len(skip) <= _MOST_DIGITS else 0


def _more(total: int, shown: int, wording: Wording) -> Iterator[Message]:
    """The way to the next ones, if there are any."""
    if total > shown:
        button = say.command_button(wording.say("cases.next"), "reports", "cases", skip=str(shown))
        yield say.card(wording.say("cases.open"), wording.say("cases.more", n=total - shown), buttons=[button])


def _card(report: Report, wording: Wording, now: datetime, said: Sequence[Update]) -> InfoCard:
    """Its first words and its place tell it from others of the same kind."""
    filing = report.filing
    words = next((" ".join(entry.text.split()) for entry in said if entry.kind is UpdateKind.WORDS), "")
    facts = {
        wording.say("report.number"): filing.case_number,
        wording.say("fact.state"): wording.own_state(report.state),
        wording.say("fact.filed"): wording.moment(filing.filed_at, now),
        wording.say("fact.detail"): wording.details(filing.category_code, filing.details),
        wording.say("fact.place"): filing.place.words or wording.ward(filing.ward_code),
    }
    shown = [(label, value) for label, value in facts.items() if value]
    first_words = words if len(words) <= MOST_WORDS else words[:MOST_WORDS] + "…"
    return say.info_card(
        wording.category(filing.category_code), first_words, shown, _buttons(report, wording, now, said)
    )


def _buttons(report: Report, wording: Wording, now: datetime, said: Sequence[Update]) -> list[Button]:
    """What its reporter can do now; who reopens a duplicate says that it is another matter."""
    shown = {}
    if open_questions(said):
        shown["answer"] = "answer"
    elif report.state is State.REJECTED:
        return [own_words_button(wording.say("cases.write"), report.report_id)]
    if report.state is State.RESOLVED and report.score is None:
        shown["rate"] = "rate"
    if report.may_reopen(now):
        shown["reopen"] = "different" if report.state is State.DUPLICATE else "reopen"
    return [
        say.command_button(wording.say(f"cases.{label}"), "reports", command, case=report.report_id)
        for command, label in shown.items()
    ]
