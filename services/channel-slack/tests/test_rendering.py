"""Cards, threads, forms, and answers in every language, against snapshots and against Slack's published limits."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from samples import SAID, WORDS, asks, board, card, digest, entry, form, moved, said_kinds

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import BoardSection, CardAction, DeskCard
from machi.dialogue.v1.messages_pb2 import Fact, InfoCard, Link, Message, Receipt, Text
from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.domain.digests import DigestKind
from machi_channel_slack.domain.press import CardRef, encode
from machi_channel_slack.rendering import limits
from machi_channel_slack.rendering.answer import answer_message
from machi_channel_slack.rendering.card import card_message
from machi_channel_slack.rendering.digest import digest_message
from machi_channel_slack.rendering.home import Day, day_home, stranger_home
from machi_channel_slack.rendering.modal import modal
from machi_channel_slack.rendering.plain import Say
from machi_channel_slack.rendering.reply import reply_message
from machi_channel_slack.rendering.thread import entry_message
from machi_channel_slack.wiring import TEXTS
from machi_simulator.slack.rules_blocks import check_message_blocks, check_view

HERE = Path(__file__).parent
NAUGHTY: list[str] = [text for text in json.loads((HERE / "data" / "blns.json").read_text("utf-8")) if text]


def rendered(language: str) -> dict[str, object]:
    shown = {"card": card_message(card(language), "reports"), "moved": card_message(moved(language), "reports")}
    shown["entry"] = entry_message(entry())
    say = partial(TEXTS.say, language)
    shown["digest"] = digest_message(*digest(language), say)
    shown["summary"] = digest_message(*digest(language, DigestKind.SUMMARY, 7), say)
    for name, ask in asks(language).items():
        shown[f"ask-{name}"] = answered(wire.TurnResponse(ask=ask), say)
    for message in said_kinds(language):
        shown[f"said-{message.WhichOneof('kind')}"] = answered(wire.TurnResponse(messages=[message]), say)
    messages: dict[str, object] = {
        name: {"text": each.text, "blocks": [dict(block) for block in each.blocks]} for name, each in shown.items()
    }
    say_more = partial(TEXTS.say, language)
    links = {("card-1", "lighting"): "https://example.org/archives/C1/p1"}
    homes = {
        "home": day_home(Day([board(language), BoardSection(section_id="none", title="<&>")], links), say_more),
        "home-partial": day_home(Day([], {}, partial=True), say_more),
        "home-stranger": stranger_home(say_more),
    }
    return {
        **messages,
        **homes,
        "modal": modal(form(language), encode(CardRef("reports", "card-1", "lighting"), "resolve")),
    }


def answered(response: wire.TurnResponse, say: Say) -> SlackMessage:
    message = reply_message(response, say, "event-1")
    assert message is not None
    return message


def allowed(message: SlackMessage) -> None:
    """Slack would take it."""
    assert 0 < limits.size(message.text) <= 4000
    assert check_message_blocks([json.loads(json.dumps(block)) for block in message.blocks], lambda _: False)


def spoken(message: SlackMessage) -> str:
    """All words of rich text, in order."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") == "text" and "style" not in node:
                found.append(str(node["text"]))
            for child in node.values():
                walk(child)
        elif isinstance(node, list | tuple):
            for child in node:
                walk(child)

    walk([block for block in message.blocks if block["type"] == "rich_text"])
    return "".join(found)


@pytest.mark.parametrize("language", SAID)
def test_snapshots(language: str) -> None:
    path = HERE / "snapshots" / f"{language}.json"
    now = json.dumps(rendered(language), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if os.environ.get("MACHI_SNAPSHOTS") == "write":
        path.write_text(now, "utf-8")
    assert path.read_text("utf-8") == now


@pytest.mark.parametrize("language", SAID)
def test_slack_would_take_everything(language: str) -> None:
    allowed(card_message(card(language), "reports"))
    allowed(card_message(moved(language), "reports"))
    allowed(entry_message(entry()))
    say = partial(TEXTS.say, language)
    state, lines = digest(language)
    allowed(digest_message(state, [replace(lines[0], card_id=f"card-{at}") for at in range(20)], say))
    for ask in asks(language).values():
        allowed(answered(wire.TurnResponse(messages=said_kinds(language), ask=ask), say))
    assert check_view(json.loads(json.dumps(modal(form(language), "[]"))), lambda _: False)


@pytest.mark.parametrize("language", SAID)
def test_the_number_is_plain_text_right_after_its_label(language: str) -> None:
    message = card_message(card(language), "reports")
    texts = [block["text"] for block in message.blocks if block["type"] == "section"]
    assert {"type": "plain_text", "text": f"{SAID[language][0]} ABC-234-5", "emoji": False} in texts
    assert message.text.startswith(f"{SAID[language][0]} ABC-234-5 · ")


def test_what_people_wrote_is_escaped_in_the_notification_and_whole_on_the_card() -> None:
    message = card_message(card(), "reports")
    assert "&lt;b&gt;切れて&lt;/b&gt; います &amp; *暗い* :moon: &lt;!channel&gt;" in message.text
    assert WORDS in spoken(message)
    assert WORDS in spoken(entry_message(entry()))


@pytest.mark.parametrize("at", range(0, len(NAUGHTY), 50))
def test_every_naughty_string_arrives_whole_and_would_be_taken(at: int) -> None:
    for text in NAUGHTY[at : at + 50]:
        for message in (card_message(card(words=text), "reports"), entry_message(entry(text=text))):
            allowed(message)
            assert text in spoken(message)


@pytest.mark.parametrize("words", ["あ" * 3000, "長" * 3001, "👩‍👩‍👧" * 1000, "<" * 4000, "a\n" * 4000])
def test_long_words_are_spread_over_blocks_and_nothing_is_lost(words: str) -> None:
    message = card_message(card(words=words), "reports")
    allowed(message)
    assert words in spoken(message)
    assert 3000 < len(message.text.encode()) <= 4000, "an update takes no more bytes"
    for block in message.blocks:
        assert limits.size(spoken(SlackMessage("", (block,)))) <= 3000


def test_more_than_a_message_holds_is_cut_instead_of_refused() -> None:
    """Slack refuses what holds some 11,000 letters in all."""
    long = card(words="👩‍👩‍👧" * 4000)
    for fact in long.facts:
        fact.value = "長" * 9000
    for message in (card_message(long, "reports"), entry_message(entry(text="長" * 20_000))):
        allowed(message)
        assert limits.size(spoken(message)) <= 11_000
        assert "…" in spoken(message)


def test_buttons_carry_their_action_and_no_more_than_slack_takes() -> None:
    many = card()
    many.actions.extend(CardAction(action_id=f"a{n}", label="長" * 100) for n in range(40))
    message = card_message(many, "reports")
    allowed(message)
    (actions,) = [block for block in message.blocks if block["type"] == "actions"]
    elements = actions["elements"]
    assert isinstance(elements, list)
    assert [element["action_id"] for element in elements[:3]] == ["acknowledge", "resolve", "reject"]
    assert [element.get("style") for element in elements[:3]] == ["primary", None, "danger"]
    assert len(elements) == 25


def test_an_almost_empty_card_can_still_be_shown() -> None:
    allowed(card_message(DeskCard(card_id="c", desk_id="d", number="ABC-234-5"), "reports"))
    allowed(card_message(DeskCard(card_id="c", desk_id="d", moved=True, number="ABC-234-5"), "reports"))
    allowed(entry_message(entry(text="", author="")))


def test_a_desk_that_handed_over_sees_one_line_without_words_and_buttons() -> None:
    message = card_message(moved(), "reports")
    assert [block["type"] for block in message.blocks] == ["rich_text"]
    assert "街灯が" not in json.dumps([dict(block) for block in message.blocks], ensure_ascii=False)


def test_an_answer_is_plain_words_whatever_kind_it_was() -> None:
    kinds = [
        Message(text=Text(text="対応中 <&>")),
        Message(card=InfoCard(title="題", body="本文", facts=[Fact(label="だれ", value="花田")])),
        Message(receipt=Receipt(title="受付", label="受付番号", number="ABC-234-5")),
        Message(link=Link(text="電話", label="092", uri="tel:0920000100")),
    ]
    message = answer_message(kinds)
    assert message is not None
    allowed(message)
    assert spoken(message).startswith("対応中 <&>\n\n題\n本文\nだれ: 花田\n\n受付\n受付番号 ABC-234-5")
    assert answer_message([]) is None


@pytest.mark.parametrize("number", ["092-000-0199", "+81 92-000-0199"])
def test_a_telephone_number_is_read_in_one_form(number: str) -> None:
    link = Link(text=f"Please call {number}.", label="Call now", uri="tel:+81-92-000-0199")
    message = answer_message([Message(link=link)])
    assert message is not None
    assert spoken(message) == f"Please call {number}."
    unsaid = answer_message([Message(link=Link(text="Please call.", label="Call now", uri=link.uri))])
    assert unsaid is not None
    assert spoken(unsaid) == "Please call.\nCall now +81-92-000-0199"


def test_links_to_the_web_can_be_pressed() -> None:
    kinds = [
        Message(text=Text(text="10分間 <&>")),
        Message(link=Link(label="写真 1", uri="https://city.example/photos/a.b")),
        Message(link=Link(text="もう1枚", label="写真 2", uri="http://127.0.0.1:7105/photos/c.d")),
    ]
    message = answer_message(kinds)
    assert message is not None
    allowed(message)
    parts = [part for block in message.blocks for part in block["elements"][0]["elements"]]  # type: ignore[index]
    assert [(part["type"], part.get("url"), part["text"]) for part in parts] == [
        ("text", None, "10分間 <&>"),
        ("link", "https://city.example/photos/a.b", "写真 1"),
        ("text", None, "もう1枚\n"),
        ("link", "http://127.0.0.1:7105/photos/c.d", "写真 2"),
    ]


@pytest.mark.parametrize("text", ["", "a", "👩" * 10, "\ud800x", "é" * 7])
def test_pieces_make_the_whole_again(text: str) -> None:
    pieces = limits.pieces(text, 3)
    assert "".join(pieces) == text
    assert all(limits.size(piece) <= 3 for piece in pieces)
