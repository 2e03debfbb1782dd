"""The dialogue `answer`: the reporter answers an officer. A question opens it; a button may, too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.conversation import Update, UpdateKind, is_answered, open_questions
from machi_reports.domain.report import Report
from machi_reports.entrypoints.dialogues.own_cases import named_case, own_case, own_words_button, said, unknown
from machi_reports.entrypoints.dialogues.report_questions import WORDS, urgent_in
from machi_reports.entrypoints.wording import TEXTS, Wording
from machi_reports.ports import CurrentCatalogues
from machi_reports.use_cases.answer_officer import answer_officer
from machi_sdk import messages as say
from machi_sdk.dialogue import (
    Accept,
    Answers,
    Json,
    Question,
    Reject,
    Reply,
    TurnContext,
    end_waiting,
    open_session,
    stay_open,
)
from machi_sdk.work import Works

COMMAND = "answer"
RIGHT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class AnswerDialogue:
    """`machi_sdk.dialogue.Dialogue`; arguments `case`, and `question`, the officer's words whose button was pressed.

    Where these ask nothing, as those of a message, the reporter writes what they like.
    """

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    command: str = COMMAND

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """The case and the question that was pressed, or why that one needs no answer any more."""
        async with self.works.begin(turn.tenant) as work:
            report = await named_case(work, turn, arguments)
            entries = await work.reports.conversation(report.report_id) if report else []
        if report is None:
            return unknown(turn)
        question = _pressed(entries, arguments.get("question", ""))
        if question is not None and is_answered(question, entries):
            return said(turn, "answer.already", number=report.filing.case_number)
        return _given(report, question)

    def ask(self, answers: Answers, language: str) -> Question | None:
        """The officer's question again, in the officer's words."""
        if "words" in answers:
            return None
        number, question = answers.text("number"), answers.text("question")
        key = "answer.ask" if question else "answer.ask-any"
        return Question("words", TEXTS.say(language, key, number=number, question=question), WORDS)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """Any words will do."""
        return Accept(value)

    async def finish(self, work: ReportsWork, turn: TurnContext, answers: Answers) -> Reply:
        """Into the card's thread, with what they write right after, as people who write in short lines do.

        The same question waits no more, should it have been asked and pressed as well. The office reads in its hours:
        who tells of a danger hears whom to phone.
        """
        case = own_case(answers.text("case"), answers.event_of("words"), turn)
        await answer_officer(case, answers.text("words"), answers.text("question_id"), work)
        same = {name: answers.text(name) for name in ("case", "question_id")}
        await end_waiting(work, turn.citizen_id, same)
        title, done, more = (
            TEXTS.say(turn.language, f"answer.{key}", number=answers.text("number"))
            for key in ("passed-on", "done", "more")
        )
        told = say.card(title, done, buttons=[own_words_button(more, answers.text("case"))])
        own = Answers(given={"case": answers.text("case"), "number": answers.text("number")})
        stays = await stay_open(work, turn.citizen_id, COMMAND, own, RIGHT_AFTER)
        urgent = urgent_in(answers.text("words"), Wording(turn.language, self.catalogues.current(turn.tenant)))
        return Reply((told, *urgent), stays=stays)

    async def cancelled(self, work: ReportsWork, turn: TurnContext, answers: Answers) -> None:
        """No other question about the case takes the person's next words; each can still be pressed."""
        await end_waiting(work, turn.citizen_id, {"case": answers.text("case")})


async def open_answer(work: ReportsWork, report: Report, words: Update) -> str:
    """Open the session that waits for what the reporter says to an officer's words; returns its id.

    Empty where the words do not reach the reporter: nothing they type is about what they never saw.
    """
    if words.unsent:
        return ""
    question = words if words.kind is UpdateKind.QUESTION else None
    given = _given(report, question).knowing("update_id", words.update_id)
    return await open_session(work, report.filing.citizen_id, COMMAND, given)


async def close_answer(work: ReportsWork, report_id: str, version: int) -> None:
    """Let nobody wait for an answer to what the report's step of that version said: it reached nobody."""
    update_id = await work.reports.said_in(report_id, version)
    if update_id:
        report = await work.reports.get(report_id)
        await end_waiting(work, report.filing.citizen_id, {"case": report_id, "update_id": update_id})


async def close_answers(work: ReportsWork, report: Report) -> None:
    """Let nobody wait for the reporter's words about this case any more."""
    await end_waiting(work, report.filing.citizen_id, {"case": report.report_id})


def _pressed(entries: Sequence[Update], question_id: str) -> Update | None:
    """The question of that id; a button without one means the last that is open, or else the last that was asked."""
    questions = [entry for entry in entries if entry.kind is UpdateKind.QUESTION]
    if question_id:
        return next((each for each in questions if each.update_id == question_id), None)
    return next(reversed(open_questions(entries) or questions), None)


def _given(report: Report, question: Update | None) -> Answers:
    text, question_id = (question.text, question.update_id) if question else ("", "")
    case = {"case": report.report_id, "number": report.filing.case_number}
    return Answers(given={**case, "question": text, "question_id": question_id})
