"""What the dialogues about a person's own cases share."""

from collections.abc import Mapping

from machi.dialogue.v1.messages_pb2 import Button
from machi_reports.domain.case_number import read_case_number
from machi_reports.domain.report import Report
from machi_reports.entrypoints.wording import TEXTS
from machi_reports.ports import City
from machi_reports.use_cases.own_case import OwnCase
from machi_sdk import messages as say
from machi_sdk.dialogue import Reply, TurnContext
from machi_sdk.errors import Missing


async def named_case(city: City, turn: TurnContext, arguments: Mapping[str, str]) -> Report | None:
    """The person's own case named by `case` (its id or number); None when there is none."""
    named = arguments.get("case", "")
    number = read_case_number(named)
    try:
        report = await city.reports.find(number) if number else await city.reports.get(named)
    except Missing:
        return None
    return report if report is not None and report.filing.citizen_id == turn.citizen_id else None


def own_case(report_id: str, event_id: str, turn: TurnContext) -> OwnCase:
    """The case as its use cases take it; `event_id` is the message the words came with."""
    return OwnCase(report_id, turn.citizen_id, event_id, turn.now)


def own_words_button(label: str, report_id: str) -> Button:
    """A button to write what one likes about a case to its office, whatever was asked."""
    return say.command_button(label, "reports", "answer", case=report_id, question="none")


def said(turn: TurnContext, key: str, **places: str | int) -> Reply:
    """One text that ends the dialogue."""
    return Reply((say.text(TEXTS.say(turn.language, key, **places)),))


def unknown(turn: TurnContext) -> Reply:
    """There is no such case, or it is somebody else's."""
    return said(turn, "case.unknown")
