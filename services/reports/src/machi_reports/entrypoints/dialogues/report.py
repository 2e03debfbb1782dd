"""The dialogue `report`: from "something is broken" to a case number."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.consent import Chooser, Decision
from machi_reports.domain.report import Report
from machi_reports.domain.words import storable
from machi_reports.entrypoints.dialogues.report_questions import (
    ReportSoFar,
    decided_since,
    next_question,
    urgent_in,
)
from machi_reports.entrypoints.wording import TEXTS, Wording
from machi_reports.ports import Consents, CurrentCatalogues, WardMap
from machi_reports.use_cases.file_report import FileReport, file_report
from machi_sdk import messages as say
from machi_sdk.dialogue import Accept, Answers, Json, Question, Reject, Reply, TurnContext
from machi_sdk.errors import Unavailable
from machi_sdk.manifest import Purpose
from machi_sdk.names import fold
from machi_sdk.telemetry import current_trace_id
from machi_sdk.work import Works

_DAY = timedelta(hours=24)
_HERE = frozenset(fold(word) for words in TEXTS.words("report.here-words").values() for word in words.split("|"))


@dataclass(frozen=True)
class ReportDialogue:
    """`machi_sdk.dialogue.Dialogue`."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    wards: WardMap
    consents: Consents
    notice: Purpose
    command: str = "report"

    async def begin(self, turn: TurnContext, arguments: Mapping[str, str]) -> Answers | Reply:
        """Which catalogue, and what the person decided before.

        Who filed too many today hears so instead; and whom to phone, where their words tell of a danger.
        """
        catalogue = await self.catalogues.refresh(turn.tenant)
        async with self.works.begin(turn.tenant) as work:
            filed = await work.reports.filed_since(turn.citizen_id, turn.now - _DAY)
        if filed >= catalogue.reports_a_day:
            return _too_many(filed, arguments.get("text", ""), Wording(turn.language, catalogue))
        decision = await self.consents.check(turn.tenant, turn.citizen_id)
        answers = Answers(given={"catalogue": f"{turn.tenant}/{catalogue.version}", "decision": decision.value})
        answers = await self._with_place(turn, answers, arguments)
        for key, value in catalogue.answers_in(arguments.get("text", "")):
            answers = answers.answered(key, value, turn.event_id)
        return answers

    def ask(self, answers: Answers, language: str) -> Question | None:
        """See `report_questions`."""
        return next_question(answers, self._wording(answers, language), self.notice)

    async def settle(self, turn: TurnContext, answers: Answers, key: str, value: Json) -> Accept | Reject:
        """A place gets its ward, a photo must be there, the last yes takes a decision to the ledger.

        An answer about messages is about the very notice that was shown.
        """
        match key, value:
            case "place", dict():
                return await self._settle_place(turn, answers, value)
            case "photo", dict():
                return await self._settle_photo(turn, value)
            case "messages", bool():
                return Accept({"wanted": value, "notice": self.notice.version})
            case "confirm", True:
                return await self._settle_confirm(turn, answers)
        return Accept(value)

    async def resumed(self, turn: TurnContext, answers: Answers) -> Answers:
        """The summary says what they decided about messages meanwhile, elsewhere.

        A no that was one before, too, may have been said again there: who had said yes here is asked once more.
        """
        so_far = ReportSoFar(answers)
        with suppress(Unavailable):  # they are told before it is sent, at the latest
            decided = await self.consents.check(turn.tenant, turn.citizen_id)
            if so_far.messages_allowed is not None and not so_far.stands(decided):
                return replace(answers, given={**answers.given, **decided_since(answers, decided)})
            if so_far.messages_wanted and decided is Decision.REFUSED:
                return replace(answers.without(("messages",)), before=())
        return answers

    async def finish(self, work: ReportsWork, turn: TurnContext, answers: Answers) -> Reply:
        """File it, unless the person said no in the end."""
        wording = self._wording(answers, turn.language)
        if not answers.get("confirm"):
            return Reply((say.text(wording.say("report.dropped")),))
        so_far = ReportSoFar(answers)
        command = FileReport(
            citizen_id=turn.citizen_id,
            category_code=answers.text("category"),
            details=so_far.details,
            place=so_far.place,
            ward_code=so_far.ward_code,
            words=answers.text("words"),
            words_event_id=answers.event_of("words"),
            photo_ids=so_far.photo_ids,
            messages_allowed=answers.text("confirm") == Decision.GIVEN.value,
            trace_id=current_trace_id(),
        )
        report = await file_report(command, wording.catalogue, work, turn.now)
        return _receipt(report, wording)

    def _wording(self, answers: Answers, language: str) -> Wording:
        return Wording(language, self.catalogues.at(answers.text("catalogue")))

    async def _with_place(self, turn: TurnContext, answers: Answers, arguments: Mapping[str, str]) -> Answers:
        """With the place that was sent before the dialogue, if there is one and it lies in the city."""
        try:
            pin: dict[str, Json] = {part: float(arguments[part]) for part in ("latitude", "longitude")}
        except (KeyError, ValueError):
            return answers
        place = {**pin, "title": storable(arguments.get("place", "")), "address": ""}
        settled = await self._settle_place(turn, answers, place) if _point(pin) else None
        if not isinstance(settled, Accept):
            return answers
        return answers.answered("place", settled.value, arguments.get("sent_in") or turn.event_id)

    async def _settle_place(self, turn: TurnContext, answers: Answers, value: dict[str, Json]) -> Accept | Reject:
        wording = self._wording(answers, turn.language)
        title, address = (str(value.get(part) or "") for part in ("title", "address"))
        point = _point(value)
        if point is None:
            if fold(address) in _HERE:
                return Reject((say.text(wording.say("report.place-here")),))
            return Accept({"address": address, "ward": wording.catalogue.ward_named_in(address)})
        ward = await self.wards.ward_at(answers.text("catalogue"), *point)
        if not ward and "told-outside" not in answers:
            told = say.text(wording.say("report.place-outside", city=wording.city()))
            return Reject((told,), keep={"told-outside": True})
        return Accept({"latitude": point[0], "longitude": point[1], "title": title, "address": address, "ward": ward})

    async def _settle_confirm(self, turn: TurnContext, answers: Answers) -> Accept | Reject:
        """Nobody sends what says otherwise about messages than what they decided meanwhile, elsewhere.

        What they answered here is decided with it: who goes back, stops, or takes the answer back has decided nothing.
        """
        so_far = ReportSoFar(answers)
        decided = await self.consents.check(turn.tenant, turn.citizen_id)
        if so_far.stands(decided) and so_far.messages_wanted is not None:
            wanted = Decision.GIVEN if so_far.messages_wanted else Decision.REFUSED
            if wanted is not decided:
                chooser = Chooser(turn.tenant, turn.citizen_id, turn.event_id, turn.channel)
                await self.consents.decide(chooser, wanted)
            return Accept(wanted.value)
        if so_far.stands(decided):
            return Accept(decided.value)
        told = say.text(TEXTS.say(turn.language, "report.messages-since"))
        return Reject((told,), keep=decided_since(answers, decided))

    async def _settle_photo(self, turn: TurnContext, value: dict[str, Json]) -> Accept | Reject:
        async with self.works.begin(turn.tenant) as work:
            if await work.photos.is_loose(str(value.get("media_id", "")), turn.citizen_id):
                return Accept(value)
        return Reject((say.text(TEXTS.say(turn.language, "report.photo-gone")),))


def _point(value: Mapping[str, Json]) -> tuple[float, float] | None:
    latitude, longitude = value.get("latitude"), value.get("longitude")
    if not isinstance(latitude, float | int) or not isinstance(longitude, float | int):
        return None
    is_on_earth = math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180
    return (float(latitude), float(longitude)) if is_on_earth else None


def _too_many(filed: int, words: str, wording: Wording) -> Reply:
    cases = say.command_button(wording.say("cases.open"), "reports", "cases")
    told = say.card(wording.say("cases.open"), wording.say("report.too-many", n=filed), buttons=[cases])
    return Reply((told, *urgent_in(words, wording)))


def _receipt(report: Report, wording: Wording) -> Reply:
    filing = report.filing
    facts = {
        "category": wording.category(filing.category_code),
        "detail": wording.details(filing.category_code, filing.details),
        "ward": wording.ward(filing.ward_code),
        "desk": wording.desk(report.desk_id),
        "filed": wording.moment(filing.filed_at, filing.filed_at),
    }
    note = wording.say("report.note-messages" if filing.messages_allowed else "report.note-silent")
    receipt = say.receipt(
        wording.say("report.receipt"),
        (wording.say("report.number"), filing.case_number),
        [(wording.say(f"fact.{name}"), value) for name, value in facts.items() if value],
        note,
        [say.command_button(wording.say("cases.open"), "reports", "cases")],
    )
    return Reply((receipt,))
