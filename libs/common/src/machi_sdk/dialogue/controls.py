"""Back, cancel, help, skip: as buttons of a question, and as words in every language at once."""

from pathlib import Path

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.messages_pb2 import Option
from machi_sdk.dialogue.questions import (
    Choices,
    Confirm,
    Kind,
    MultiChoices,
    PhotoQ,
    Question,
    WordsQ,
    takes_words_for_next,
)
from machi_sdk.names import fold
from machi_sdk.texts import Texts

TEXTS = Texts(Path(__file__).parent / "texts")
# By the names they have as options and in buttons.
KINDS = {
    "back": wire.CONTROL_KIND_BACK,
    "cancel": wire.CONTROL_KIND_CANCEL,
    "help": wire.CONTROL_KIND_HELP,
    "skip": wire.CONTROL_KIND_SKIP,
}


class Controls:
    """Recognises and offers the controls."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._words = {word: kind for name, kind in KINDS.items() for word in self._typed(f"controls.{name}.words")}
        self._words |= dict.fromkeys(self._typed("controls.enough.label"), wire.CONTROL_KIND_SKIP)
        self._skip_labels = frozenset(self._typed("controls.skip.label"))
        self.yes_no = (frozenset(self._typed("yes")), frozenset(self._typed("no")))

    def of(
        self, request: wire.TurnRequest, question: Question, *, awaited: bool = False
    ) -> "wire.ControlKind.ValueType | None":
        """The control that was pressed or typed, or None; what the question itself offers is no control.

        `awaited`: the pod opened the question by itself, and waits for the person's words.
        """
        if request.WhichOneof("input") == "control":
            return request.control.kind
        if request.WhichOneof("input") != "text":
            return None
        typed = fold(request.text.text)
        control = self._words.get(typed)
        if typed in _labels(question.kind):
            return None
        if isinstance(question.kind, PhotoQ) and typed in self.yes_no[1]:
            return wire.CONTROL_KIND_SKIP
        is_said = isinstance(question.kind, WordsQ) and self._is_said(control, typed, awaited=awaited)
        return None if is_said else control

    def _is_said(self, control: "wire.ControlKind.ValueType | None", typed: str, *, awaited: bool) -> bool:
        """Whether a control's word may be the very words that a question wants.

        "None" may be, so only the word on the button passes over it. "Cancel" may be the answer to what somebody asked
        of their own accord: there, only the button stops.
        """
        if control == wire.CONTROL_KIND_CANCEL:
            return awaited
        return control == wire.CONTROL_KIND_SKIP and typed not in self._skip_labels

    def ask_id(self, request: wire.TurnRequest) -> str:
        """The question a pressed button belongs to; empty for anything typed or sent."""
        kind = request.WhichOneof("input")
        if kind == "choice":
            return request.choice.ask_id
        if kind == "control":
            return request.control.ask_id
        return request.moment.ask_id if kind == "moment" else ""

    def offered(self, language: str, question: Question, *, first: bool) -> list[Option]:
        """The buttons of a question: skip only where it may be, back only where there is something behind.

        None says the same as an answer that the question offers.
        """
        names = [*(["skip"] if question.optional else []), *([] if first else ["back"]), "cancel", "help"]
        labels = {"skip": "enough"} if takes_words_for_next(question.kind) else {}
        options = [
            Option(option_id=name, label=self._texts.say(language, f"controls.{labels.get(name, name)}.label"))
            for name in names
        ]
        own = _labels(question.kind)
        return [option for option in options if fold(option.label) not in own]

    def _typed(self, key: str) -> list[str]:
        return [fold(word) for words in self._texts.words(key).values() for word in words.split("|")]


def _labels(kind: Kind) -> set[str]:
    match kind:
        case Choices(options) | MultiChoices(options):
            return {fold(option.label) for option in options}
        case Confirm(yes, no):
            return {fold(yes), fold(no)}
    return set()


def typed_control(typed: str) -> str:
    """The control whose words these are, in any language: a key of `KINDS`; empty for all others."""
    return _WORDS.get(fold(typed), "")


_WORDS = {
    fold(word): name
    for name in KINDS
    for words in TEXTS.words(f"controls.{name}.words").values()
    for word in words.split("|")
}
