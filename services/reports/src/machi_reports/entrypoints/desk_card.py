"""A case as its desk sees it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from machi.dialogue.v1 import desk_card_pb2 as wire
from machi.dialogue.v1.messages_pb2 import Fact, Link
from machi_reports.domain.consent import Decision
from machi_reports.domain.conversation import FROM_OFFICER, Officer, Update, UpdateKind
from machi_reports.domain.photo import CasePhoto, Removal
from machi_reports.domain.report import Report
from machi_reports.domain.states import State
from machi_reports.entrypoints.desk_forms import AtDesk, actions_of, photo_action
from machi_reports.entrypoints.wording import Wording
from machi_sdk.clock import stamp

MOST_FOLLOWERS = 20
_MAP = "https://www.google.com/maps?q={:.6f},{:.6f}"
_RECEIVES = {
    Decision.GIVEN: "desk.messages-yes",
    Decision.REFUSED: "desk.messages-no",
    Decision.UNREACHABLE: "desk.messages-unreachable",
    Decision.NONE: "desk.messages-none",
    Decision.UNKNOWN: "desk.messages-unknown",
}
_FROM_SYSTEM = frozenset({UpdateKind.REMINDER, UpdateKind.UNDELIVERED})


@dataclass(frozen=True)
class LinkedCases:
    """The case that leads this one, those that it leads, and open ones that may be the same."""

    leading: Report | None = None
    followers: Sequence[Report] = ()
    alike: Sequence[Report] = ()


@dataclass(frozen=True)
class Shown:
    """Everything a card is made of; `linked` photos can be opened by links, `names` are staff's by id."""

    report: Report
    entries: Sequence[Update] = ()
    photos: Sequence[CasePhoto] = ()
    receives: Decision = Decision.UNKNOWN
    linked: bool = False
    colleagues: Sequence[Officer] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    linked_cases: LinkedCases = LinkedCases()

    @property
    def silent(self) -> bool:
        """Whether no words reach the reporter now."""
        return self.receives.silent


def moved_card(shown: Shown, desk_id: str, wording: Wording) -> wire.DeskCard:
    """What a desk that handed the case over still sees: where it went, and what of it was taken back since."""
    report = shown.report
    return wire.DeskCard(
        card_id=report.report_id,
        desk_id=desk_id,
        version=report.version,
        title=_title(report, wording),
        number_label=wording.say("desk.number"),
        number=report.filing.case_number,
        status=wording.say("desk.moved", desk=wording.desk(report.desk_id)),
        photos=[photo for photo in _photos(shown, wording) if photo.gone],
        thread=[_entry(entry, shown, wording) for entry in _conversation(shown) if entry.retracted],
        opened_at=stamp(report.filing.filed_at),
        moved=True,
    )


def desk_card(shown: Shown, now: datetime, wording: Wording) -> wire.DeskCard:
    """The whole case, for the desk that holds it."""
    report = shown.report
    words = next((entry for entry in shown.entries if entry.kind is UpdateKind.WORDS), None)
    thread = [*(_entry(entry, shown, wording) for entry in _conversation(shown)), *_removals(shown, wording)]
    return wire.DeskCard(
        card_id=report.report_id,
        desk_id=report.desk_id,
        version=report.version,
        title=_title(report, wording),
        number_label=wording.say("desk.number"),
        number=report.filing.case_number,
        status=wording.say(f"state.{report.state}"),
        facts=[Fact(label=label, value=value) for label, value in _facts(shown, now, wording) if value],
        words_label=wording.say("desk.words"),
        words=_text(words, shown, wording) if words else "",
        map_link=_map_link(report, wording),
        photos=_photos(shown, wording),
        actions=list(_actions(shown, now, wording)),
        thread=sorted(thread, key=lambda entry: entry.at.ToNanoseconds()),
        opened_at=stamp(report.filing.filed_at),
        opened_ago=wording.age(report.filing.filed_at, now),
        brief=_brief(report, wording),
        note=wording.say("desk.note-silent" if shown.silent else "desk.note"),
    )


def _brief(report: Report, wording: Wording) -> str:
    """Kind, ward, and urgency: what decides what is looked at first."""
    filing = report.filing
    urgency = wording.say("urgency.urgent" if filing.urgent else "urgency.normal")
    return wording.brief((wording.category(filing.category_code), wording.ward(filing.ward_code), urgency))


def _title(report: Report, wording: Wording) -> str:
    return wording.say("desk.title", category=wording.category(report.filing.category_code))


def _actions(shown: Shown, now: datetime, wording: Wording) -> Iterator[wire.CardAction]:
    linked = shown.linked_cases
    alike = {each.filing.case_number: wording.alike(shown.report, each, now) for each in linked.alike}
    shared_by = sum(each.state is State.DUPLICATE for each in linked.followers)
    at_desk = AtDesk(shown.report.desk_id, shown.colleagues, shown.silent, alike, shared_by)
    yield from actions_of(shown.report, at_desk, wording)
    if shown.linked and any(not photo.gone for photo in shown.photos):
        yield photo_action(wording)


def _photos(shown: Shown, wording: Wording) -> Iterator[wire.CardPhoto]:
    """Each keeps its number, whatever becomes of the others."""
    for number, photo in enumerate(shown.photos, start=1):
        alt = wording.photo(number, len(shown.photos))
        yield wire.CardPhoto(media_id=photo.photo_id, alt_text=alt, gone=photo.gone)


def _removals(shown: Shown, wording: Wording) -> Iterator[wire.ThreadEntry]:
    """What is said in place of photos that are gone."""
    for photo in shown.photos:
        if photo.removed_at is not None:
            yield wire.ThreadEntry(
                entry_id=f"photo-gone-{photo.photo_id}",
                author=wire.THREAD_AUTHOR_SYSTEM,
                text=wording.say(f"desk.photo-{photo.removal or Removal.TAKEN_BACK}"),
                at=stamp(photo.removed_at),
            )


def _conversation(shown: Shown) -> Iterator[Update]:
    return (entry for entry in shown.entries if entry.kind is not UpdateKind.WORDS)


def _facts(shown: Shown, now: datetime, wording: Wording) -> Iterator[tuple[str, str]]:
    report, filing = shown.report, shown.report.filing
    holder = report.holder([one.staff_id for one in shown.colleagues])
    if holder:
        yield wording.say("desk.holder"), _name(holder, shown, wording)
    yield wording.say("fact.category"), wording.category(filing.category_code)
    yield wording.say("fact.detail"), wording.details(filing.category_code, filing.details)
    yield wording.say("fact.ward"), wording.ward(filing.ward_code)
    gone = "" if filing.place.point else wording.say("desk.retracted")
    yield wording.say("fact.place"), filing.place.words or gone
    yield wording.say("fact.filed"), wording.moment(filing.filed_at, now)
    yield wording.say("desk.messages"), wording.say(_RECEIVES[shown.receives])
    linked = shown.linked_cases
    if linked.leading is not None:
        # Without its state: this card is not announced anew when that one moves.
        yield wording.say("desk.leading"), linked.leading.filing.case_number
    if linked.followers:
        numbers = [each.filing.case_number for each in linked.followers[:MOST_FOLLOWERS]]
        yield wording.say("desk.followers"), wording.joined(numbers)
    if report.score is not None:
        yield wording.say("fact.rating"), wording.say("value.score", score=report.score)
    if report.reopened:
        yield wording.say("fact.reopened"), wording.say("desk.reopened-times", n=report.reopened)


def _map_link(report: Report, wording: Wording) -> Link | None:
    point = report.filing.place.point
    return Link(label=wording.say("desk.map"), uri=_MAP.format(*point)) if point else None


def _name(staff_id: str, shown: Shown, wording: Wording) -> str:
    return shown.names.get(staff_id) or wording.say("desk.colleague")


def _entry(entry: Update, shown: Shown, wording: Wording) -> wire.ThreadEntry:
    if entry.kind in _FROM_SYSTEM:
        author, text = wire.THREAD_AUTHOR_SYSTEM, _by_system(entry, wording)
        return wire.ThreadEntry(entry_id=entry.update_id, author=author, text=text, at=stamp(entry.at))
    author = wire.THREAD_AUTHOR_OFFICER if entry.kind in FROM_OFFICER else wire.THREAD_AUTHOR_RESIDENT
    label = entry.officer.name if entry.officer else wording.say("desk.resident")
    text = _text(entry, shown, wording)
    return wire.ThreadEntry(entry_id=entry.update_id, author=author, author_label=label, text=text, at=stamp(entry.at))


def _by_system(entry: Update, wording: Wording) -> str:
    if entry.kind is UpdateKind.REMINDER:
        return wording.say(f"reminder.{entry.text}")
    time = wording.time_of_day(datetime.fromisoformat(entry.text), entry.at)
    return wording.say("thread.undelivered", time=time)


def _from_reporter(entry: Update, shown: Shown, wording: Wording) -> str:
    """As written; an answer with its question, where another one had been asked since."""
    asked = [each for each in shown.entries if each.kind is UpdateKind.QUESTION and each.at <= entry.at]
    question = next((each for each in asked if each.update_id == entry.question_id), None)
    if question is None or question is asked[-1]:
        return entry.text
    return wording.say("thread.answer", question=question.text, text=entry.text)


def _text(entry: Update, shown: Shown, wording: Wording) -> str:
    if entry.retracted:
        return wording.say("desk.retracted")
    match entry.kind:
        case UpdateKind.WORDS | UpdateKind.ANSWER:
            return _from_reporter(entry, shown, wording)
        case UpdateKind.RATING:
            return wording.say("desk.stars", score=entry.text)
        case UpdateKind.ASSIGNMENT:
            return wording.say("thread.assignment", name=_name(entry.text, shown, wording))
        case UpdateKind.HANDOVER:
            return wording.say("thread.handover", desk=wording.desk(entry.from_desk_id), text=entry.text)
    said = wording.say(f"thread.{entry.kind}", text=entry.text)
    return wording.say("thread.unsent", said=said) if entry.unsent else said
