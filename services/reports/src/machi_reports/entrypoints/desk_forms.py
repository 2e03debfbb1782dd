"""The actions of a card, and the forms of those that need words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from machi.dialogue.v1.desk_card_pb2 import (
    ACTION_STYLE_DANGER,
    ACTION_STYLE_PRIMARY,
    ACTION_STYLE_UNSPECIFIED,
    CardAction,
    ChoiceField,
    Form,
    FormField,
    WordsField,
)
from machi.dialogue.v1.messages_pb2 import Option
from machi_reports.domain.catalogue import DeskEntry
from machi_reports.domain.conversation import Officer
from machi_reports.domain.report import Report
from machi_reports.domain.states import ALLOWED, Move
from machi_reports.entrypoints.wording import Wording
from machi_sdk.names import fold

WORDS, DESK, COLLEAGUE = "words", "desk", "colleague"
NEARBY, NUMBER = "nearby", "number"
MOST_NUMBER = 40
PHOTOS = "photos"
MOST_WORDS = 2000
OFFERED = (
    Move.ACKNOWLEDGE,
    Move.ASK,
    Move.RESOLVE,
    Move.REJECT,
    Move.HAND_OVER,
    Move.TAKE,
    Move.ASSIGN,
    Move.NOTE,
    Move.DUPLICATE,
)
# Of a closed case: what is said to the resident afterwards goes through the thread.
AFTERWARDS = (Move.UNREJECT, Move.NOTE)
SECONDARY = frozenset({Move.ASSIGN, Move.NOTE, Move.DUPLICATE})
_STYLES = {Move.ACKNOWLEDGE: ACTION_STYLE_PRIMARY, Move.REJECT: ACTION_STYLE_DANGER}


@dataclass(frozen=True)
class AtDesk:
    """What forms are made of, as it is now; `silent`: no words reach the reporter.

    `alike` are case numbers with their labels, `shared_by` how many other reporters read what is said at the end.
    """

    desk_id: str
    colleagues: Sequence[Officer] = ()
    silent: bool = False
    alike: Mapping[str, str] = field(default_factory=dict)
    shared_by: int = 0

    @property
    def staff_ids(self) -> frozenset[str]:
        """Who may work the desk's cases."""
        return frozenset(one.staff_id for one in self.colleagues)


def actions_of(report: Report, at_desk: AtDesk, wording: Wording) -> Iterator[CardAction]:
    """What may be done with the case as it stands."""
    for move in OFFERED if report.is_open else AFTERWARDS:
        if _is_offered(move, report, at_desk, wording):
            yield CardAction(
                action_id=move.value,
                label=wording.say(f"action.{move}"),
                style=_STYLES.get(move, ACTION_STYLE_UNSPECIFIED),
                form=form_of(move, at_desk, wording),
                secondary=report.is_open and move in SECONDARY,
            )


def _is_offered(move: Move, report: Report, at_desk: AtDesk, wording: Wording) -> bool:
    if move is Move.TAKE and report.holder(at_desk.staff_ids):
        return False
    if move is Move.UNREJECT and report.leading_id:
        return False
    if move is Move.ASSIGN and not at_desk.colleagues:
        return False
    if move is Move.HAND_OVER and not _other_desks(at_desk.desk_id, wording):
        return False
    return report.state in ALLOWED[move]


def photo_action(wording: Wording) -> CardAction:
    """The button that asks for links to the photos; it changes nothing."""
    return CardAction(action_id=PHOTOS, label=wording.say("action.photos"))


def form_of(move: Move, at_desk: AtDesk, wording: Wording) -> Form | None:
    """What has to be filled in before the press counts; None when nothing."""
    match move:
        case Move.ASK | Move.RESOLVE | Move.REJECT:
            return _form(move, wording, _words_field(move, _hint(move, at_desk), wording))
        case Move.NOTE:
            return _form(move, wording, _words_field(move, "form.note.placeholder", wording))
        case Move.HAND_OVER:
            words = _words_field(move, "form.handover.placeholder", wording)
            return _form(move, wording, _desk_field(at_desk.desk_id, wording), words)
        case Move.ASSIGN:
            return _form(move, wording, _colleague_field(at_desk.colleagues, wording))
        case Move.DUPLICATE:
            nearby = [_nearby_field(at_desk.alike, wording)] if at_desk.alike else []
            form = _form(move, wording, *nearby, _number_field(wording, optional=bool(nearby)))
            form.needs_one_of.extend([NEARBY, NUMBER] if nearby else [])
            return form
    return None


def words_needed(words: str, wording: Wording) -> str:
    """How long words may be, and how long these are."""
    return wording.say("form.needed", most=f"{MOST_WORDS:,}").replace("{length}", f"{len(words.strip()):,}")


def as_typed(values: dict[str, str]) -> dict[str, str]:
    """A chosen case number stands for a typed one, unless one was typed as well: what is offered changes too often."""
    chosen = values.pop(NEARBY, "")
    return values if values.get(NUMBER, "").strip() or not chosen else values | {NUMBER: chosen}


def _hint(move: Move, at_desk: AtDesk) -> str:
    """Who reads the words."""
    if at_desk.shared_by and move is not Move.ASK:
        return "form.shared"
    return "form.silent" if at_desk.silent else f"form.{move}.placeholder"


def _form(move: Move, wording: Wording, *fields: FormField) -> Form:
    title, submit = wording.say(f"form.{move}.title"), wording.say(f"form.{move}.submit")
    return Form(title=title, submit_label=submit, close_label=wording.say("form.close"), fields=fields)


def _words_field(move: Move, hint: str, wording: Wording) -> FormField:
    return FormField(
        field_id=WORDS,
        label=wording.say("form.handover.words" if move is Move.HAND_OVER else f"form.{move}.label"),
        placeholder=wording.say(hint),
        error=wording.say("form.needed", most=f"{MOST_WORDS:,}"),
        words=WordsField(minimum=1, maximum=MOST_WORDS, multiline=True),
    )


def _other_desks(desk_id: str, wording: Wording) -> list[DeskEntry]:
    return [desk for desk in wording.catalogue.desks if desk.desk_id != desk_id]


def _desk_field(desk_id: str, wording: Wording) -> FormField:
    options = [
        Option(option_id=desk.desk_id, label=wording.pick(desk.titles)) for desk in _other_desks(desk_id, wording)
    ]
    return FormField(
        field_id=DESK,
        label=wording.say("form.handover.label"),
        error=wording.say("form.choose"),
        choice=ChoiceField(options=options),
    )


def _nearby_field(alike: Mapping[str, str], wording: Wording) -> FormField:
    options = [Option(option_id=number, label=label) for number, label in alike.items()]
    return FormField(
        field_id=NEARBY,
        label=wording.say("form.duplicate.label"),
        optional=True,
        error=wording.say("form.duplicate.error"),
        choice=ChoiceField(options=options),
    )


def _number_field(wording: Wording, *, optional: bool) -> FormField:
    return FormField(
        field_id=NUMBER,
        label=wording.say("form.duplicate.number"),
        placeholder=wording.say("form.duplicate.placeholder"),
        optional=optional,
        error=wording.say("form.duplicate.error"),
        words=WordsField(minimum=1, maximum=MOST_NUMBER),
    )


def _as_sought(colleague: Officer) -> str:
    """Names in the order in which people look through a list: width and case do not count, and 2 is before 10."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(9), fold(colleague.name))


def _colleague_field(colleagues: Sequence[Officer], wording: Wording) -> FormField:
    options = [Option(option_id=one.staff_id, label=one.name) for one in sorted(colleagues, key=_as_sought)]
    return FormField(
        field_id=COLLEAGUE,
        label=wording.say("form.assign.label"),
        error=wording.say("form.assign.error"),
        choice=ChoiceField(options=options),
    )
