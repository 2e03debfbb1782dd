"""The actions of a card, and the forms of those that need words."""

from collections.abc import Iterator

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
from machi_reports.domain.report import Report
from machi_reports.domain.states import ALLOWED, Move
from machi_reports.entrypoints.wording import Wording

WORDS, DESK = "words", "desk"
PHOTOS = "photos"
MOST_WORDS = 2000
# A closed case keeps no buttons: an officer's last word goes through the thread.
OFFERED = (Move.ACKNOWLEDGE, Move.ASK, Move.RESOLVE, Move.REJECT, Move.HAND_OVER)
_STYLES = {Move.ACKNOWLEDGE: ACTION_STYLE_PRIMARY, Move.REJECT: ACTION_STYLE_DANGER}


def actions_of(report: Report, wording: Wording, *, silent: bool) -> Iterator[CardAction]:
    """The buttons that change the case as it stands; `silent`: no words reach the reporter now."""
    for move in OFFERED if report.is_open else ():
        if report.state in ALLOWED[move]:
            style = _STYLES.get(move, ACTION_STYLE_UNSPECIFIED)
            label = wording.say(f"action.{move}")
            form = form_of(move, report.desk_id, wording, silent=silent)
            yield CardAction(action_id=move.value, label=label, style=style, form=form)


def photo_action(wording: Wording) -> CardAction:
    """The button that asks for links to the photos; it changes nothing."""
    return CardAction(action_id=PHOTOS, label=wording.say("action.photos"))


def form_of(move: Move, desk_id: str, wording: Wording, *, silent: bool = False) -> Form | None:
    """What has to be filled in before the press counts; None when nothing."""
    match move:
        case Move.ASK | Move.RESOLVE | Move.REJECT:
            return _form(move, wording, _words_field(move, wording, silent=silent))
        case Move.HAND_OVER:
            return _form(move, wording, _desk_field(desk_id, wording), _handover_words(wording))
    return None


def words_needed(words: str, wording: Wording) -> str:
    """How long words may be, and how long these are."""
    return wording.say("form.needed", most=f"{MOST_WORDS:,}").replace("{length}", f"{len(words.strip()):,}")


def _form(move: Move, wording: Wording, *fields: FormField) -> Form:
    title, submit = wording.say(f"form.{move}.title"), wording.say(f"form.{move}.submit")
    return Form(title=title, submit_label=submit, close_label=wording.say("form.close"), fields=fields)


def _words_field(move: Move, wording: Wording, *, silent: bool) -> FormField:
    return FormField(
        field_id=WORDS,
        label=wording.say(f"form.{move}.label"),
        placeholder=wording.say("form.silent" if silent else f"form.{move}.placeholder"),
        error=wording.say("form.needed", most=f"{MOST_WORDS:,}"),
        words=WordsField(minimum=1, maximum=MOST_WORDS, multiline=True),
    )


def _handover_words(wording: Wording) -> FormField:
    return FormField(
        field_id=WORDS,
        label=wording.say("form.handover.words"),
        placeholder=wording.say("form.handover.placeholder"),
        optional=True,
        error=wording.say("form.too-long", most=f"{MOST_WORDS:,}"),
        words=WordsField(minimum=0, maximum=MOST_WORDS, multiline=True),
    )


def _desk_field(desk_id: str, wording: Wording) -> FormField:
    others = (desk for desk in wording.catalogue.desks if desk.desk_id != desk_id)
    options = [Option(option_id=desk.desk_id, label=wording.pick(desk.titles)) for desk in others]
    return FormField(
        field_id=DESK,
        label=wording.say("form.handover.label"),
        error=wording.say("form.choose"),
        choice=ChoiceField(options=options),
    )
