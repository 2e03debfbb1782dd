"""The kinds of question, and how each is asked on the wire."""

import hashlib
from dataclasses import dataclass

from machi.dialogue.v1 import messages_pb2 as wire
from machi.dialogue.v1.messages_pb2 import Message


@dataclass(frozen=True)
class Opt:
    """One offered option; the label has at most 20 characters.

    `words` match anywhere in what was typed, but within `not_words`; `alone` only as the whole of it. Where several
    options fit, one that `decides` is meant.
    """

    option_id: str
    label: str
    description: str = ""
    words: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    decides: bool = False
    not_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choices:
    """Exactly one of these."""

    options: tuple[Opt, ...]


@dataclass(frozen=True)
class MultiChoices:
    """Between `minimum` and `maximum` of these."""

    options: tuple[Opt, ...]
    minimum: int = 1
    maximum: int = 10


@dataclass(frozen=True)
class PhotoQ:
    """Up to `maximum` photos, `taken` of them already: each is an answer of its own, and `Answers.all` has them."""

    maximum: int = 1
    taken: int = 0


@dataclass(frozen=True)
class PlaceQ:
    """A pin on the map, or an address in words."""


@dataclass(frozen=True)
class WordsQ:
    """Free words, counted in characters."""

    minimum: int = 1
    maximum: int = 2000


@dataclass(frozen=True)
class Confirm:
    """Yes or no; with `change`, a third button that lets an earlier answer be corrected."""

    yes: str
    no: str
    change: str = ""


@dataclass(frozen=True)
class NumberQ:
    """A whole number, limits inclusive."""

    minimum: int = 0
    maximum: int = 1_000_000


@dataclass(frozen=True)
class DateQ:
    """A calendar date YYYY-MM-DD, limits inclusive, empty = none."""

    earliest: str = ""
    latest: str = ""


@dataclass(frozen=True)
class TimeQ:
    """A time of day HH:MM, limits inclusive, empty = none."""

    earliest: str = ""
    latest: str = ""


Kind = Choices | MultiChoices | PhotoQ | PlaceQ | WordsQ | Confirm | NumberQ | DateQ | TimeQ


@dataclass(frozen=True)
class Change:
    """An answer that can be corrected: its name, at most 20 characters, and the questions that are asked again."""

    label: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """The one thing asked next.

    `before` is said in front of it. `about` tells who comes back after a pause what this was about. `changes` are what
    a confirmation with `change` offers to correct.
    """

    key: str
    prompt: str
    kind: Kind
    optional: bool = False
    before: tuple[Message, ...] = ()
    about: str = ""
    changes: tuple[Change, ...] = ()


def takes_words_for_next(kind: Kind) -> bool:
    """Whether typed words answer the next question: after one photo, typing means no more photos."""
    return isinstance(kind, PhotoQ) and kind.taken > 0


def ask_id_of(session_id: str, version: int) -> str:
    """Names one question of one session: it changes with every answer."""
    return hashlib.sha256(f"{session_id}:{version}".encode()).hexdigest()[:12]


def to_wire(question: Question, ask_id: str, controls: list[wire.Option]) -> wire.Ask:
    """The question as an Ask."""
    ask = wire.Ask(
        ask_id=ask_id, key=question.key, prompt=question.prompt, optional=question.optional, controls=controls
    )
    match question.kind:
        case Choices(options):
            ask.choice.options.extend(_options(options))
        case MultiChoices(options, minimum, maximum):
            ask.multi_choice.CopyFrom(wire.MultiChoiceAsk(options=_options(options), minimum=minimum, maximum=maximum))
        case Confirm(yes, no, change):
            ask.confirm.yes.CopyFrom(wire.Option(option_id="yes", label=yes))
            ask.confirm.no.CopyFrom(wire.Option(option_id="no", label=no))
            if change:
                ask.confirm.change.CopyFrom(wire.Option(option_id="change", label=change))
        case _:
            _plain_kind(question.kind, ask)
    return ask


def _plain_kind(kind: Kind, ask: wire.Ask) -> None:
    match kind:
        case PhotoQ(maximum, taken):
            ask.photo.maximum = maximum - taken
        case PlaceQ():
            ask.place.SetInParent()
        case WordsQ(minimum, maximum):
            ask.words.CopyFrom(wire.WordsAsk(minimum=minimum, maximum=maximum))
        case NumberQ(minimum, maximum):
            ask.number.CopyFrom(wire.NumberAsk(minimum=minimum, maximum=maximum))
        case DateQ(earliest, latest):
            ask.date.CopyFrom(wire.DateAsk(earliest=earliest, latest=latest))
        case TimeQ(earliest, latest):
            ask.time.CopyFrom(wire.TimeAsk(earliest=earliest, latest=latest))


def _options(options: tuple[Opt, ...]) -> list[wire.Option]:
    return [wire.Option(option_id=o.option_id, label=o.label, description=o.description) for o in options]
