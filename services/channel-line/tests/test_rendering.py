"""Every kind of message and question, in every language, against snapshots and against LINE's rules."""

import json
import os
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from linebot.v3.messaging import Message as SdkMessage

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.ports import Body
from machi_channel_line.rendering import limits
from machi_channel_line.rendering.actions import web
from machi_channel_line.rendering.flex import card_bubble, most_weight, weight
from machi_channel_line.rendering.plain import in_plain_words
from machi_channel_line.wiring import TEXTS, render
from machi_sdk.conversation.press import ChoicePress, ControlPress, decode
from machi_sdk.telemetry import counter
from machi_sdk.texts import Texts
from machi_simulator.line.rules import check_messages, check_request
from machi_tools.stack.plan import TENANT, offered_languages

SNAPSHOTS = Path(__file__).parent / "snapshots"
LANGUAGES = tuple(offered_languages(TENANT))
NAMES = {"title": "cases.report", "body": "report.words", "yes": "report.confirm-yes", "no": "report.confirm-no"}
CASES = Texts(Path(__file__).parents[2] / "reports" / "src" / "machi_reports" / "texts")


def said(language: str) -> dict[str, str]:
    """What a pod says, in one language."""
    names = {**NAMES, "back": "cases.open", "number": "report.number"}
    return {name: CASES.say(language, key) for name, key in names.items()}


WORDS = {language: said(language) for language in LANGUAGES}


def options(words: dict[str, str], count: int, suffix: str = "") -> list[neutral.Option]:
    return [neutral.Option(option_id=f"o{at}", label=f"{words['title']} {at}{suffix}") for at in range(count)]


def ask(said: dict[str, str], /, **kind: Message) -> neutral.Ask:
    asked = neutral.Ask(ask_id="0193f0a2-7b1c-7000-8000-000000000001", key="k", prompt=said["body"])
    for name, value in kind.items():
        getattr(asked, name).CopyFrom(value)
        getattr(asked, name).SetInParent()
    asked.controls.extend(
        [neutral.Option(option_id="back", label=said["back"]), neutral.Option(option_id="cancel", label=said["no"])]
    )
    return asked


def info_card(words: dict[str, str]) -> neutral.InfoCard:
    command = neutral.Command(pod="reports", command="case", arguments={"case": "R-1"})
    return neutral.InfoCard(
        title=words["title"],
        body=words["body"],
        facts=[neutral.Fact(label=words["number"], value="FK-2345-67"), neutral.Fact(value="天神")],
        buttons=[
            neutral.Button(label=words["yes"], command=command),
            neutral.Button(label="092-711-4111", uri="tel:092-711-4111"),
        ],
    )


def cases(words: dict[str, str]) -> dict[str, wire.TurnResponse]:
    message = neutral.Message
    receipt = neutral.Receipt(
        title=words["title"],
        label=words["number"],
        number="FK-2345-67",
        note=words["body"],
        facts=info_card(words).facts,
    )
    pin = neutral.MapPin(title=words["title"], latitude=33.59, longitude=130.4)
    link = neutral.Link(text=words["body"], label=words["title"], uri="https://example.jp/道路?x=1")
    messages = {
        "text": message(text=neutral.Text(text=f"{words['body']}\n<b>*_~&amp;")),
        "card": message(card=info_card(words)),
        "carousel": message(carousel=neutral.Carousel(cards=[info_card(words)] * 3)),
        "map-pin": message(map_pin=pin),
        "receipt": message(receipt=receipt),
        "link": message(link=link),
        "telephone": message(link=neutral.Link(text=words["body"], label=words["yes"], uri="tel:119")),
    }
    asked = questions(words)
    return {
        **{f"say-{name}": wire.TurnResponse(messages=[each]) for name, each in messages.items()},
        **{f"ask-{name}": wire.TurnResponse(ask=each) for name, each in asked.items()},
    }


def questions(words: dict[str, str]) -> dict[str, neutral.Ask]:
    yes, no = neutral.Option(option_id="yes", label=words["yes"]), neutral.Option(option_id="no", label=words["no"])
    change = neutral.Option(option_id="change", label=words["title"])
    described = [neutral.Option(option_id="a", label=words["yes"], description=words["body"]), no]
    return {
        "choice": ask(words, choice=neutral.ChoiceAsk(options=options(words, 5))),
        "choice-many": ask(words, choice=neutral.ChoiceAsk(options=options(words, 20))),
        "choice-long": ask(words, choice=neutral.ChoiceAsk(options=options(words, 3, " …" * 20))),
        "choice-described": ask(words, choice=neutral.ChoiceAsk(options=described)),
        "multi-choice": ask(words, multi_choice=neutral.MultiChoiceAsk(options=options(words, 3), minimum=1)),
        "photo": ask(words, photo=neutral.PhotoAsk(maximum=1)),
        "place": ask(words, place=neutral.PlaceAsk()),
        "date": ask(words, date=neutral.DateAsk(earliest="2026-12-01", latest="2026-12-31")),
        "time": ask(words, time=neutral.TimeAsk(earliest="09:00", latest="09:00")),
        "number": ask(words, number=neutral.NumberAsk(minimum=1, maximum=5)),
        "number-large": ask(words, number=neutral.NumberAsk(minimum=1, maximum=5000)),
        "words": ask(words, words=neutral.WordsAsk(maximum=1000)),
        "confirm": ask(words, confirm=neutral.ConfirmAsk(yes=yes, no=no)),
        "confirm-change": ask(words, confirm=neutral.ConfirmAsk(yes=yes, no=no, change=change)),
    }


def accepted(bodies: list[Body]) -> list[Body]:
    """LINE's models, validators and all, say of each what we say; and so do the rules of its API."""
    assert [SdkMessage.from_dict(body).to_dict() for body in bodies] == bodies
    check_request("ReplyMessageRequest", {"replyToken": "t", "messages": json.loads(json.dumps(bodies))})
    return bodies


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_in_every_language(language: str) -> None:
    rendered = {
        name: accepted(render(response, language, ["o1"] if name == "ask-multi-choice" else []))
        for name, response in cases(WORDS[language]).items()
    }
    path = SNAPSHOTS / f"{language}.json"
    if os.environ.get("MACHI_SNAPSHOTS") == "write":
        path.write_text(json.dumps(rendered, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert rendered == json.loads(path.read_text(encoding="utf-8"))


def test_the_number_follows_its_label_where_people_and_notifications_see_it() -> None:
    body = accepted(render(cases(WORDS["ja"])["say-receipt"], "ja", []))[0]
    assert "受付番号 FK-2345-67" in str(body["altText"])
    assert '"text": "受付番号 FK-2345-67"' in json.dumps(body["contents"], ensure_ascii=False)


def test_a_long_text_arrives_whole() -> None:
    text = "道路の😄穴\n" * 2000
    message = neutral.Message(text=neutral.Text(text=text))
    bodies = accepted(render(wire.TurnResponse(messages=[message]), "ja", []))
    assert "".join(str(body["text"]) for body in bodies) == text


def test_a_card_too_large_for_a_bubble_arrives_as_text_with_its_buttons() -> None:
    card = info_card(WORDS["ja"])
    card.body = "長い" * 2000
    bodies = accepted(render(wire.TurnResponse(messages=[neutral.Message(card=card)]), "ja", []))
    assert [body["type"] for body in bodies] == ["text", "flex"]
    assert card.body in str(bodies[0]["text"])


def test_many_messages_are_brought_into_five_and_the_question_stays_last() -> None:
    words = WORDS["en"]
    texts = [neutral.Message(text=neutral.Text(text=f"line {at}")) for at in range(4)]
    cards = [neutral.Message(card=info_card(words)) for _ in range(3)]
    pins = [neutral.Message(map_pin=neutral.MapPin(title=f"pin {at}", latitude=33, longitude=130)) for at in range(4)]
    asked = cases(words)["ask-choice"].ask
    mixed = [each for group in zip(texts, cards, pins, strict=False) for each in group]
    bodies = accepted(render(wire.TurnResponse(messages=mixed, ask=asked), "en", []))
    assert len(bodies) <= 5
    whole = json.dumps(bodies)
    assert all(f"line {at}" in whole and f"pin {at}" in whole for at in range(3))
    assert "quickReply" in bodies[-1]
    assert not any("quickReply" in body for body in bodies[:-1])


def shortened() -> float:
    (metric,) = counter("machi_line_shortened_total").collect()
    return float(metric.samples[0].value)


@pytest.mark.parametrize("kind", ["text", "card", "map-pin"])
def test_of_what_five_messages_do_not_hold_the_end_stays_behind_an_ellipsis(kind: str) -> None:
    before = shortened()
    whole, first = neutral.Message(text=neutral.Text(text="穴" * 5000)), cases(WORDS["ja"])[f"say-{kind}"].messages[0]
    if kind == "text":
        first = neutral.Message(text=neutral.Text(text="😄" * 2499 + "終"))
    bodies = accepted(render(wire.TurnResponse(messages=[whole, first, *[whole] * 4]), "ja", []))
    shown = {"text": "text", "card": "altText", "map-pin": "title"}[kind]
    assert str(bodies[0][shown]).startswith("…")
    assert [body["type"] for body in bodies[1:]] == ["text"] * 4
    assert kind != "text" or str(bodies[0]["text"]).endswith("😄終")
    assert kind != "card" or '"text": "…"' in json.dumps(bodies[0]["contents"], ensure_ascii=False)
    assert shortened() == before + 1


def test_chosen_options_are_said_and_can_be_sent() -> None:
    words = WORDS["en"]
    body = render(cases(words)["ask-multi-choice"], "en", ["o0", "o2"])[-1]
    assert "Chosen: Report a problem 0, Report a problem 2" in str(body["text"])
    data = [item["action"].get("data", "") for item in body["quickReply"]["items"]]  # type: ignore[index]
    assert [type(decode(each)).__name__ for each in data[:2]] == ["TogglePress", "ChoicePress"]


def test_an_option_is_an_answer_whatever_its_id() -> None:
    options = [neutral.Option(option_id=name, label=name) for name in ("back", "cancel", "front")]
    ask = neutral.Ask(ask_id="q", prompt="Where?", choice=neutral.ChoiceAsk(options=options))
    ask.controls.append(neutral.Option(option_id="cancel", label="Stop"))
    body = render(wire.TurnResponse(ask=ask), "en", [])[-1]
    presses = [decode(item["action"]["data"]) for item in body["quickReply"]["items"]]  # type: ignore[index]
    assert presses == [*(ChoicePress("q", (each.option_id,)) for each in options), ControlPress("q", "cancel")]


def test_a_button_whose_meaning_is_too_long_is_left_out() -> None:
    command = neutral.Command(pod="p", command="c", arguments={"x": "y" * 400})
    card = neutral.InfoCard(title="t", buttons=[neutral.Button(label="b", command=command)])
    (body,) = accepted(render(wire.TurnResponse(messages=[neutral.Message(card=card)]), "ja", []))
    assert "footer" not in body["contents"]  # type: ignore[operator]


@pytest.mark.parametrize("number", ["092-000-0199", "+81 92-000-0199"])
def test_a_telephone_number_is_read_in_one_form(number: str) -> None:
    link = neutral.Link(text=f"Please call {number}.", label="Call now", uri="tel:+81-92-000-0199")
    (body,) = accepted(render(wire.TurnResponse(messages=[neutral.Message(link=link)]), "en", []))
    assert body["altText"] == f"Please call {number}."
    link.text = "Please call."
    (body,) = accepted(render(wire.TurnResponse(messages=[neutral.Message(link=link)]), "en", []))
    assert str(body["altText"]).endswith("+81-92-000-0199")


def test_every_phrase_fits_a_quick_reply() -> None:
    for language in LANGUAGES:
        for key in TEXTS.keys(language):
            if key.startswith("button."):
                assert 0 < limits.size(TEXTS.say(language, key)) <= limits.QUICK_LABEL


@pytest.mark.parametrize("uri", ["https://[abc", "http://[::1", "//]"])
def test_an_address_that_is_none_is_no_button(uri: str) -> None:
    assert web("Map", uri) is None


anything = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=80)
an_option = st.builds(neutral.Option, option_id=st.uuids().map(str), label=anything, description=anything)
a_button = st.builds(
    neutral.Button,
    label=anything,
    uri=st.sampled_from(["https://例え.jp/ 道", "tel:110", "javascript:x", "", "http://", "https://[abc"]),
)
a_fact = st.builds(neutral.Fact, label=anything, value=anything)
a_card = st.builds(
    neutral.InfoCard,
    title=anything,
    body=anything,
    facts=st.lists(a_fact, max_size=3),
    buttons=st.lists(a_button, max_size=9),
)
a_message = st.one_of(
    st.builds(lambda text: neutral.Message(text=neutral.Text(text=text)), anything),
    st.builds(lambda card: neutral.Message(card=card), a_card),
    st.builds(lambda cards: neutral.Message(carousel=neutral.Carousel(cards=cards)), st.lists(a_card, max_size=3)),
    st.builds(
        lambda title, lat: neutral.Message(map_pin=neutral.MapPin(title=title, latitude=lat)),
        anything,
        st.floats(-90, 90),
    ),
    st.builds(lambda text, uri: neutral.Message(link=neutral.Link(text=text, label=text, uri=uri)), anything, anything),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(a_message, max_size=8), st.lists(an_option, min_size=1, max_size=30), anything)
def test_line_takes_whatever_pods_say(
    messages: list[neutral.Message], choices: list[neutral.Option], prompt: str
) -> None:
    asked = neutral.Ask(ask_id="a", prompt=prompt, choice=neutral.ChoiceAsk(options=choices))
    bodies = render(wire.TurnResponse(messages=messages, ask=asked), "ja", [])
    assert 1 <= len(bodies) <= limits.MESSAGES
    check_messages(json.loads(json.dumps(bodies)))


@settings(max_examples=150, deadline=None)
@given(a_card)
def test_no_bubble_weighs_more_than_is_foreseen(card: neutral.InfoCard) -> None:
    contents = card_bubble(card)
    assert contents is None or weight(contents) <= most_weight(card)


@given(st.text(max_size=200), st.integers(2, 40))
def test_splitting_loses_nothing_and_cutting_fits(text: str, most: int) -> None:
    pieces = limits.split(text, most)
    assert "".join(pieces) == text
    assert all(limits.size(piece) <= most for piece in pieces)
    assert limits.size(limits.cut(text, most)) <= most
    assert limits.size(limits.ending(text, most)) <= most
    assert text.endswith(limits.ending(text, most))


@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_words_say_what_a_card_and_its_question_say(language: str) -> None:
    words = WORDS[language]
    choice = neutral.ChoiceAsk(options=options(words, 2))
    bodies = render(
        wire.TurnResponse(messages=[neutral.Message(card=info_card(words))], ask=ask(words, choice=choice)),
        language,
        (),
    )
    plain = in_plain_words(bodies)
    check_messages(plain)
    lines = "\n".join(str(each["text"]) for each in plain).split("\n")
    assert {words["title"], words["body"], "天神", f"• {words['title']} 0", f"• {words['title']} 1"} <= set(lines)
    assert in_plain_words(plain) == plain
