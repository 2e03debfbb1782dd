"""From what a person did to an answer of the present question, or to none."""

import re
from datetime import date

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.dialogue.answers import Json
from machi_sdk.dialogue.moments import day_of, number_of, time_of
from machi_sdk.dialogue.points import point_in
from machi_sdk.dialogue.questions import (
    Choices,
    Confirm,
    DateQ,
    Kind,
    MultiChoices,
    NumberQ,
    Opt,
    PhotoQ,
    PlaceQ,
    TimeQ,
    WordsQ,
)
from machi_sdk.names import fold, says_something, stands_in
from machi_sdk.sql import storable

CHANGE = "change"
MOST_PLACE = 500
LEAST_LETTERS = 3
_SENT = ("photo", "sticker", "audio", "video", "file", "edited")


class Unreadable(Exception):
    """The input is no answer to this question; `key` names the text that says what is wanted, `places` fills it."""

    def __init__(self, key: str, **places: str) -> None:
        super().__init__(key)
        self.key = key
        self.places = places


def answer_of(kind: Kind, request: wire.TurnRequest, yes_no: tuple[frozenset[str], frozenset[str]]) -> Json:
    """The answer as JSON; Unreadable when the input does not fit the question."""
    match request.WhichOneof("input"), kind:
        case "text", NumberQ() | DateQ() | TimeQ():
            return _measured(kind, request.text.text, _today(request))
        case "choice", _:
            return _chosen(kind, list(request.choice.option_ids))
        case "text", _:
            return _typed(kind, storable(request.text.text), yes_no)
        case "place", PlaceQ():
            return _pinned(request.place)
        case "photo", PhotoQ():
            return _photographed(request.photo)
        case "photo", _:
            raise Unreadable(sent_key("photo"))
        case "moment", DateQ() | TimeQ():
            return _measured(kind, request.moment.date or request.moment.time, None)
        case "unsupported", PhotoQ() if request.unsupported.kind == "photo":
            raise Unreadable("again.photo-unreadable")
        case "unsupported", _:
            raise Unreadable(sent_key(request.unsupported.kind))
    raise Unreadable(_wanted(kind))


def _today(request: wire.TurnRequest) -> date | None:
    """The day of the turn in UTC: of a day whose year nobody named, only the year depends on it."""
    return request.occurred_at.ToDatetime().date() if request.HasField("occurred_at") else None


def sent_key(kind: str) -> str:
    """Text key that kindly declines something sent which answers nothing."""
    return f"sent.{kind}" if kind in _SENT else "sent.other"


def _pinned(place: wire.Place) -> Json:
    if not (abs(place.latitude) <= 90 and abs(place.longitude) <= 180):  # false for a NaN, too
        raise Unreadable("again.place")
    parts = {"title": storable(place.title), "address": storable(place.address)}
    return {"latitude": place.latitude, "longitude": place.longitude, **parts}


def _photographed(photo: wire.Photo) -> Json:
    together: dict[str, Json] = {"set": photo.set_id, "index": photo.set_index} if photo.set_id else {}
    return {"media_id": photo.media_id, **together}


def _chosen(kind: Kind, chosen: list[str]) -> Json:
    match kind:
        case Choices(options) if len(chosen) == 1 and chosen[0] in _ids(options):
            return chosen[0]
        case MultiChoices(options, minimum, maximum) if set(chosen) <= _ids(options):
            if minimum <= len(set(chosen)) <= maximum:
                return list(dict.fromkeys(chosen))
        case Confirm() if chosen in (["yes"], ["no"]):
            return chosen[0] == "yes"
        case Confirm(change=change) if change and chosen == [CHANGE]:
            return CHANGE
    raise Unreadable(_wanted(kind))


def _typed(kind: Kind, text: str, yes_no: tuple[frozenset[str], frozenset[str]]) -> Json:
    words = fold(text)
    match kind:
        case Choices(options):
            return _matching(options, words)
        case MultiChoices():
            parts = [part for part in words.replace("、", ",").replace("，", ",").split(",") if part.strip()]
            return _chosen(kind, [_matching(kind.options, fold(part)) for part in parts])
        case Confirm():
            return _agreed(kind, words, yes_no)
        case PlaceQ() if says_something(words):
            return _placed(text.strip())
        case WordsQ(minimum, maximum):
            _no_longer(text, maximum)
            if len(text.strip()) >= minimum and says_something(text):
                return text
    raise Unreadable(_wanted(kind))


def _placed(text: str) -> Json:
    point = point_in(text)
    if point is None:
        return {"address": _no_longer(text, MOST_PLACE)}
    return {**point, "title": _no_longer(str(point["title"]), MOST_PLACE)}


def _no_longer(text: str, most: int) -> str:
    if len(text) > most:
        raise Unreadable("again.too-long", most=f"{most:,}", length=f"{len(text):,}")
    return text


def _agreed(kind: Confirm, words: str, yes_no: tuple[frozenset[str], frozenset[str]]) -> bool | str:
    if words == fold(kind.yes) or words in yes_no[0]:
        return True
    if words == fold(kind.no) or words in yes_no[1]:
        return False
    if kind.change and words == fold(kind.change):
        return CHANGE
    raise Unreadable(_wanted(kind))


def _measured(kind: NumberQ | DateQ | TimeQ, text: str, today: date | None) -> Json:
    try:
        match kind:
            case NumberQ(minimum, maximum) if minimum <= (number := number_of(text)) <= maximum:
                return number
            case DateQ(earliest, latest):
                day = day_of(text, earliest, latest, today)
                if (earliest or day) <= day <= (latest or day):
                    return day
            case TimeQ(earliest, latest):
                moment = time_of(text)
                if (earliest or moment) <= moment <= (latest or moment):
                    return moment
    except ValueError:
        pass
    raise Unreadable(_wanted(kind))


def _matching(options: tuple[Opt, ...], words: str) -> str:
    for option in options:
        if words and words in (fold(option.label), *map(fold, option.alone)):
            return option.option_id
    if re.fullmatch(r"\d{1,3}", words) and 1 <= int(words) <= len(options):
        return options[int(words) - 1].option_id
    if words in _ids(options):
        return words
    near = [option for option in options if words and _is_near(option, words)]
    for fitting in (near, [option for option in near if option.decides]):
        if len(fitting) == 1:
            return fitting[0].option_id
    raise Unreadable("again.choice")


def _is_near(option: Opt, words: str) -> bool:
    is_part = _says_enough(words) and stands_in(words, fold(option.label))
    rest = words
    for other in option.not_words:
        rest = rest.replace(fold(other), " ")
    return is_part or any(stands_in(fold(word), rest) for word in (option.label, *option.words))


def _says_enough(words: str) -> bool:
    """Whether words may choose by a part of a label: one letter of an alphabet begins too many words."""
    return not words.isascii() or sum(sign.isalnum() for sign in words) >= LEAST_LETTERS


def _ids(options: tuple[Opt, ...]) -> set[str]:
    return {option.option_id for option in options}


def _wanted(kind: Kind) -> str:
    names: dict[type, str] = {
        Choices: "choice",
        MultiChoices: "multi-choice",
        Confirm: "confirm",
        PhotoQ: "photo",
        PlaceQ: "place",
        WordsQ: "words",
        NumberQ: "number",
        DateQ: "date",
        TimeQ: "time",
    }
    return f"again.{names[type(kind)]}"
