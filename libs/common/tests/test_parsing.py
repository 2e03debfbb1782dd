"""From what a person did to an answer, or to what is wanted instead; never to anything else."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.dialogue.answers import Json
from machi_sdk.dialogue.controls import TEXTS
from machi_sdk.dialogue.parsing import MOST_PLACE, Unreadable, answer_of
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
    Question,
    TimeQ,
    WordsQ,
    to_wire,
)

OPTIONS = (Opt("road", "道路の穴"), Opt("lamp", "街灯"), Opt("sign", "道路標識"))
ENGLISH = Choices((Opt("park", "Park", words=("tree",)), Opt("lamp", "Street light"), Opt("other", "Something else")))
ALARM = Choices(
    (
        Opt("gas", "Live wire or gas", words=("CO",), not_words=("Co-op",)),
        Opt("other", "Something else"),
        Opt("up", "Up"),
    )
)
YES_NO = (frozenset({"はい", "yes"}), frozenset({"いいえ", "no"}))
KINDS: tuple[Kind, ...] = (
    Choices(OPTIONS),
    MultiChoices(OPTIONS, 1, 2),
    PhotoQ(),
    PlaceQ(),
    WordsQ(1, 50),
    Confirm("はい、お願いします", "いいえ"),
    NumberQ(0, 100),
    DateQ("2026-01-01", "2026-12-31"),
    TimeQ("09:00", "17:00"),
)


# As people send them by accident or on purpose: nothing to see.
BLANK = ("", " ", "\u3000", "\n\t", "\u200b", "\u2060", "\u3164", "\u202e\u202c", "\ufeff", "\u2800", "\ufe0f")


def typed(words: str) -> wire.TurnRequest:
    return wire.TurnRequest(text=wire.TextInput(text=words))


@pytest.mark.parametrize(
    ("kind", "words", "answer"),
    [
        (KINDS[0], "２", "lamp"),
        (KINDS[0], " 街灯。", "lamp"),
        (KINDS[0], "街灯が消えています", "lamp"),
        (KINDS[1], "1、街灯", ["road", "lamp"]),
        (KINDS[1], "街灯,街灯", ["lamp"]),
        (KINDS[3], "市役所の前", {"address": "市役所の前"}),
        (KINDS[3], f" {'x' * MOST_PLACE} ", {"address": "x" * MOST_PLACE}),
        (KINDS[4], "  two\nlines\0 ", "  two\nlines\N{REPLACEMENT CHARACTER} "),
        (KINDS[4], "🫨", "🫨"),
        (KINDS[4], "\ue000", "\ue000"),
        (KINDS[5], "はい", True),
        (KINDS[5], "NO!", False),
        (KINDS[6], "４２", 42),
        (KINDS[7], "2026/4/1", "2026-04-01"),
        (KINDS[7], "2026年12月31日", "2026-12-31"),
        (KINDS[8], "9:30", "09:30"),
        (ENGLISH, "Two trees fell", "park"),
        (ENGLISH, "light", "lamp"),
        (ENGLISH, "002", "lamp"),
        (ENGLISH, "other", "other"),
        (ENGLISH, "str", "lamp"),
        (ALARM, "gas", "gas"),
        (ALARM, "up", "up"),
        (ALARM, "It smells of CO", "gas"),
        (ALARM, "It smells of CO behind the co-op", "gas"),
        (Choices(OPTIONS), "穴", "road"),
        (Choices((Opt("2", "First"), Opt("1", "Second"))), "1", "2"),
        (Choices((Opt("a", "2"), Opt("b", "1"))), "1", "b"),
    ],
)
def test_people_type_answers_in_their_own_way(kind: Kind, words: str, answer: Json) -> None:
    assert answer_of(kind, typed(words), YES_NO) == answer


@pytest.mark.parametrize(
    ("kind", "words", "wanted"),
    [
        (KINDS[0], "道路", "again.choice"),
        (KINDS[0], "4", "again.choice"),
        (KINDS[0], "", "again.choice"),
        (KINDS[0], "9" * 5000, "again.choice"),
        (ENGLISH, "The street is flooded", "again.choice"),
        (ENGLISH, "hi", "again.choice"),
        *((ALARM, few, "again.choice") for few in ("e", "g", "ga", "W", "or", "ｇ", "s.", "wi")),
        (ALARM, "It is dark behind the Co-op", "again.choice"),
        (KINDS[1], "1,2,3", "again.multi-choice"),
        (KINDS[2], "a photo", "again.photo"),
        (KINDS[3], "  ", "again.place"),
        (KINDS[3], "x" * (MOST_PLACE + 1), "again.too-long"),
        (KINDS[4], "x" * 51, "again.too-long"),
        *((KINDS[4], blank, "again.words") for blank in BLANK),
        *((KINDS[3], blank, "again.place") for blank in BLANK),
        (KINDS[5], "perhaps", "again.confirm"),
        (KINDS[6], "101", "again.number"),
        (KINDS[7], "2027-01-01", "again.date"),
        (KINDS[7], "tomorrow", "again.date"),
        (KINDS[7], "9999999999/1/1", "again.date"),
        (KINDS[7], "9" * 5000 + "/1/1", "again.date"),
        (KINDS[8], "25:00", "again.time"),
        (KINDS[8], "18:00", "again.time"),
    ],
)
def test_what_does_not_answer_says_what_is_wanted(kind: Kind, words: str, wanted: str) -> None:
    with pytest.raises(Unreadable) as again:
        answer_of(kind, typed(words), YES_NO)
    assert again.value.key == wanted


def test_buttons_pins_photos_and_pickers_answer_their_questions() -> None:
    chosen = wire.TurnRequest(choice=wire.Choice(option_ids=["lamp"]))
    assert answer_of(KINDS[0], chosen, YES_NO) == "lamp"
    pin = wire.TurnRequest(place=wire.Place(latitude=33.59, longitude=130.4, title="here", address="天神\0"))
    expected: Json = {
        "latitude": 33.59,
        "longitude": 130.4,
        "title": "here",
        "address": "天神\N{REPLACEMENT CHARACTER}",
    }
    assert answer_of(KINDS[3], pin, YES_NO) == expected
    photo = wire.TurnRequest(photo=wire.Photo(media_id="m1"))
    assert answer_of(KINDS[2], photo, YES_NO) == {"media_id": "m1"}
    picked = wire.TurnRequest(moment=wire.Moment(date="2026-04-01"))
    assert answer_of(KINDS[7], picked, YES_NO) == "2026-04-01"


@pytest.mark.parametrize(
    "words",
    [
        "33.5902, 130.4017",
        "（３３．５９０２、１３０．４０１７）",
        "33.5902 130.4017",
        "https://www.google.com/maps?q=33.5902,130.4017&z=17",
        "https://www.google.com/maps/place/X/@33.1,130.1,17z/data=!3m1!4b1!4m5!3m4!8m2!3d33.5902!4d130.4017",
        "https://www.google.com/maps/@33.5902,130.4017,17z",
        "https://www.google.com/maps/search/?api=1&query=33.5902%2C130.4017",
        "https://maps.google.com/?q=loc:33.5902,130.4017",
        "https://maps.apple.com/?q=Pin&ll=33.5902,130.4017",
        "https://maps.apple.com/place?coordinate=33.5902,130.4017&name=Pin",
        "https://www.openstreetmap.org/?mlat=33.5902&mlon=130.4017#map=19/33.1/130.1",
        "https://www.openstreetmap.org/#map=19/33.5902/130.4017",
        "geo:33.5902,130.4017?z=19",
    ],
)
def test_a_point_that_is_typed_or_pasted_is_a_point(words: str) -> None:
    point = {"latitude": 33.5902, "longitude": 130.4017, "title": "", "address": ""}
    assert answer_of(PlaceQ(), typed(words), YES_NO) == point
    if words.startswith("https"):
        beside = answer_of(PlaceQ(), typed(f"市役所の前\n{words}"), YES_NO)
        assert beside == {**point, "title": "市役所の前"}


@pytest.mark.parametrize(
    "words",
    ["1, 2", "天神1-1, 2", "91.00, 130.40", "https://maps.app.goo.gl/abc", "https://x.example/@91.5,0.1", "3.14"],
)
def test_what_names_no_point_is_an_address(words: str) -> None:
    assert answer_of(PlaceQ(), typed(words), YES_NO) == {"address": words}


@pytest.mark.parametrize("place", [(91.0, 0.0), (0.0, 181.0), (float("nan"), 0.0), (0.0, float("inf"))])
def test_a_place_outside_the_world_is_none(place: tuple[float, float]) -> None:
    request = wire.TurnRequest(place=wire.Place(latitude=place[0], longitude=place[1]))
    with pytest.raises(Unreadable):
        answer_of(PlaceQ(), request, YES_NO)


@given(st.sampled_from(KINDS), st.text() | st.from_regex(r"[\d:年月日./-]{0,12}"))
def test_whatever_is_typed_is_an_answer_or_asks_again_in_known_words(kind: Kind, words: str) -> None:
    assert _is_well(kind, typed(words))


@given(st.sampled_from(KINDS), st.lists(st.text(max_size=5) | st.sampled_from(["road", "lamp", "sign", "yes", "no"])))
def test_whatever_is_pressed_is_an_answer_or_asks_again(kind: Kind, options: list[str]) -> None:
    assert _is_well(kind, wire.TurnRequest(choice=wire.Choice(option_ids=options)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_own_form_on_the_wire(kind: Kind) -> None:
    ask = to_wire(Question("key", "Prompt?", kind, optional=True), "ask-1", [])
    assert ask.WhichOneof("kind") is not None
    assert (ask.key, ask.prompt, ask.ask_id, ask.optional) == ("key", "Prompt?", "ask-1", True)


def _is_well(kind: Kind, request: wire.TurnRequest) -> bool:
    try:
        answer = answer_of(kind, request, YES_NO)
    except Unreadable as again:
        return TEXTS.has(again.key)
    return FITS[type(kind)](answer)


def _among(answer: Json) -> bool:
    return answer in ("road", "lamp", "sign")


FITS: dict[type, Callable[[Json], bool]] = {
    Choices: _among,
    MultiChoices: lambda answer: isinstance(answer, list) and 1 <= len(answer) <= 2 and all(map(_among, answer)),
    Confirm: lambda answer: isinstance(answer, bool),
    PlaceQ: lambda answer: isinstance(answer, dict) and bool(answer["address"] or "latitude" in answer),
    WordsQ: lambda answer: isinstance(answer, str) and 0 < len(answer) <= 50 and "\0" not in answer,
    NumberQ: lambda answer: isinstance(answer, int) and 0 <= answer <= 100,
    DateQ: lambda answer: isinstance(answer, str) and "2026-01-01" <= answer <= "2026-12-31",
    TimeQ: lambda answer: isinstance(answer, str) and "09:00" <= answer <= "17:00",
}


@pytest.mark.parametrize(("kind", "most"), [(KINDS[3], "500"), (KINDS[4], "50")])
def test_what_is_too_long_says_how_long_and_how_much_is_allowed(kind: Kind, most: str) -> None:
    with pytest.raises(Unreadable) as again:
        answer_of(kind, typed("x" * 1234), YES_NO)
    assert again.value.places == {"most": most, "length": "1,234"}


@pytest.mark.parametrize(
    "key", sorted(key for key in TEXTS.keys("en") if key.startswith("sent.") and key != "sent.edited")
)
def test_what_is_declined_promises_no_way_to_answer_that_a_question_may_not_have(key: str) -> None:
    """The question stands right below."""
    words = " ".join(TEXTS.words(key).values())
    assert not [way for way in ("button", " type", "ボタン", "文字", "もじ", "按鈕", "按钮", "버튼") if way in words]
