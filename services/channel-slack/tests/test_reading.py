"""What comes from Slack: signatures, presses, words; and the forms that go there."""

import hashlib
import hmac

import pytest

from machi.dialogue.v1.desk_card_pb2 import ChoiceField, Form, FormField, WordsField
from machi.dialogue.v1.messages_pb2 import Option
from machi_channel_slack.domain.conversations import Edited, Said, SentFile, TakenBack, is_direct, read_direct
from machi_channel_slack.domain.payloads import Ignored, Malformed, Reply, plain, read_event, said_in
from machi_channel_slack.domain.press import CardAction, CardRef, decode, encode
from machi_channel_slack.domain.signature import signed
from machi_channel_slack.rendering.modal import modal

NOW = 1_700_000_000


def signature(body: bytes, secret: str = "secret", at: int = NOW) -> str:
    digest = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return f"v0={digest}"


def test_a_good_signature_is_taken() -> None:
    assert signed("secret", b"{}", str(NOW), signature(b"{}"), NOW + 299)


@pytest.mark.parametrize(
    ("body", "at", "now"), [(b"{ }", NOW, NOW), (b"{}", NOW, NOW + 301), (b"{}", NOW, NOW - 301), (b"{}", NOW + 1, NOW)]
)
def test_anything_else_is_refused(body: bytes, at: int, now: float) -> None:
    assert not signed("secret", body, str(at), signature(b"{}"), now)


def test_a_press_names_its_card() -> None:
    card = CardRef("reports", "card-1", "roads", 7)
    assert decode(encode(card, "ask")) == CardAction(card, "ask")
    drawn_before = '["reports","card-1","roads","ask"]'
    assert decode(drawn_before) == CardAction(CardRef("reports", "card-1", "roads"), "ask")
    for odd in ("not json", "{}", "[]", '["reports","card-1","roads","ask","7"]', '["reports","","roads","ask",7]'):
        assert decode(odd) is None, odd


def test_words_arrive_as_they_were_typed() -> None:
    assert plain("&lt;b&gt; &amp; <https://example.org|here>") == "<b> & here (https://example.org)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!date^1392734382^Posted {date}|Feb 18>", "Feb 18"),
        ("<!subteam^S1|@team> <!here> <#C1|roads>", "@team @here #roads"),
        ("<@U1> <mailto:a@b.c|a@b.c> <mailto:a@b.c>", "@U1 a@b.c a@b.c"),
        ("<tel:+81927111111|092-711-1111> <mailto:a@b.c|us>", "092-711-1111 us (a@b.c)"),
    ],
)
def test_marked_up_words_are_read_without_their_marks(text: str, words: str) -> None:
    assert plain(text) == words


def test_rich_text_is_what_a_person_typed() -> None:
    line = [
        {"type": "text", "text": "Thanks *really* "},
        {"type": "emoji", "name": "+1", "unicode": "1f44d-1f3fb"},
        {"type": "emoji", "name": "our-logo"},
        {"type": "text", "text": " bold", "style": {"bold": True}},
        {"type": "link", "url": "https://example.org", "text": "here"},
        {"type": "user", "user_id": "U1"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "Feb 18"},
        {"type": "hologram", "value": "?"},
    ]
    items = [{"type": "rich_text_section", "elements": [{"type": "text", "text": each}]} for each in ("a", "b")]
    elements = [
        {"type": "rich_text_section", "elements": line},
        {"type": "rich_text_list", "style": "ordered", "offset": 2, "elements": items},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": items[:1]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said\nso\n"}]},
    ]
    message = {"text": "Thanks :+1:", "blocks": [{"type": "image"}, {"type": "rich_text", "elements": elements}]}
    said = "Thanks *really* \U0001f44d\U0001f3fb:our-logo: boldhere (https://example.org)@U1@hereFeb 18?"
    assert said_in(message) == f"{said}\n3. a\n4. b\n    • a\nsaid\nso"


@pytest.mark.parametrize(
    ("url", "label", "said"),
    [
        ("mailto:a@b.c", "a@b.c", "a@b.c"),
        ("mailto:a@b.c", "", "a@b.c"),
        ("mailto:a@b.c", "us", "us (a@b.c)"),
        ("tel:+81927111111", "092-711-1111", "092-711-1111"),
    ],
)
def test_a_mail_address_or_phone_number_reads_as_it_was_typed(url: str, label: str, said: str) -> None:
    link = {"type": "link", "url": url, "text": label}
    section = {"type": "rich_text_section", "elements": [link]}
    assert said_in({"text": "", "blocks": [{"type": "rich_text", "elements": [section]}]}) == said


@pytest.mark.parametrize("blocks", [[], [{"type": "rich_text"}], [{"type": "rich_text", "elements": [3, None]}], "x"])
def test_without_rich_text_the_text_counts(blocks: object) -> None:
    assert said_in({"text": "&lt;3", "blocks": blocks}) == "<3"


@pytest.mark.parametrize("odd", ["\ud83d", "\udc00\ud83d"])
def test_letters_that_are_none_are_replaced_and_the_rest_is_kept(odd: str) -> None:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": f"道路{odd}"}]}
    rich = {"type": "rich_text", "elements": [section]}
    messages: list[dict[str, object]] = [{"text": f"道路{odd}"}, {"text": "", "blocks": [rich]}]
    for message in messages:
        assert said_in(message) == "道路" + "?" * len(odd)


def test_a_thread_reply_is_read_and_a_bot_is_not() -> None:
    event = {"type": "message", "user": "U1", "channel": "C1", "ts": "2.0", "thread_ts": "1.0", "text": "&lt;3"}
    body = {"event_id": "Ev1", "event": event}
    assert read_event(body) == Reply("Ev1", "U1", "C1", "2.0", "1.0", "<3")
    assert isinstance(read_event({**body, "event": {**event, "bot_id": "B1"}}), Ignored)
    with pytest.raises(Malformed):
        read_event({"event": event})


def test_each_field_of_a_form_has_an_action_of_its_own() -> None:
    desk = FormField(field_id="desk", label="To", choice=ChoiceField(options=[Option(option_id="a", label="A")]))
    words = FormField(field_id="words", label="Note", optional=True, words=WordsField(maximum=2000))
    view = modal(Form(title="Hand over", submit_label="OK", fields=[desk, words]), "[]")
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    assert [block["element"]["action_id"] for block in blocks] == ["desk", "words"]


def test_more_than_a_hundred_options_are_offered_in_groups() -> None:
    options = [Option(option_id=f"s-{number}", label=f"{number:03}") for number in range(230)]
    field = FormField(field_id="who", label="Who", choice=ChoiceField(options=options))
    blocks = modal(Form(title="Assign", submit_label="OK", fields=[field]), "[]")["blocks"]
    assert isinstance(blocks, list)
    groups = blocks[0]["element"]["option_groups"]
    assert [(each["label"]["text"], len(each["options"])) for each in groups] == [
        ("000 – 099", 100),
        ("100 – 199", 100),
        ("200 – 229", 30),
    ]


def changed(before: str, after: str, **more: object) -> dict[str, object]:
    """Slack's event of an edit in a thread."""
    message: dict[str, object] = {"type": "message", "user": "U1", "ts": "2.0", "thread_ts": "1.0", "text": after}
    message |= {"edited": {"user": "U1", "ts": "3.0"}} | more
    event = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "3.0", "message": message}
    return {"event_id": "Ev1", "event": event | {"previous_message": {**message, "text": before}}}


def test_an_edit_in_a_thread_is_read_as_one() -> None:
    assert read_event(changed("a", "b")) == Reply("Ev1", "U1", "C1", "2.0", "1.0", "b", edited=True)


def test_an_edit_without_what_was_before_is_one_event_however_often_it_is_told() -> None:
    """Slack also says "changed" when it finds out a message's language."""
    first, again = changed("a", "b"), changed("a", "b")
    again["event_id"] = "Ev2"
    for body in (first, again):
        event = body["event"]
        assert isinstance(event, dict)
        del event["previous_message"]
    assert read_event(first) == read_event(again) == Reply("C1/2.0/3.0", "U1", "C1", "2.0", "1.0", "b", edited=True)


def deleted(**more: object) -> dict[str, object]:
    """Slack's event of a deletion in a thread."""
    before = {"type": "message", "user": "U1", "ts": "2.0", "thread_ts": "1.0", "text": "a"} | more
    event = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "2.0"}
    return {"event_id": "Ev1", "event": event | {"previous_message": before}}


def test_a_deletion_in_a_thread_is_read_as_one_and_says_none_of_the_words() -> None:
    read = Reply("Ev1", "U1", "C1", "2.0", "1.0", "", deleted=True)
    assert read_event(deleted()) == read
    gone = deleted()["event"]
    assert isinstance(gone, dict)
    stone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": "2.0", "thread_ts": "1.0"}
    event = {**gone, "subtype": "message_changed", "message": stone}
    assert read_event({"event_id": "Ev1", "event": event}) == read


@pytest.mark.parametrize(
    "body",
    [deleted(bot_id="B1"), deleted(thread_ts=""), deleted(text="", files=[{"id": "F1"}]), deleted(user="")],
    ids=["ours", "no-thread", "pictures", "not whose it was"],
)
def test_other_deletions_are_passed_over(body: dict[str, object]) -> None:
    assert isinstance(read_event(body), Ignored)


def mentioning(**more: object) -> dict[str, object]:
    """A message that mentions four, one of them with a label."""
    named = [
        {"type": "user", "user_id": "U0LEAD01"},
        {"type": "user", "user_id": "U0LEAD"},
        {"type": "usergroup", "usergroup_id": "S0ABC"},
        {"type": "channel", "channel_id": "C0BB"},
    ]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": named}]}
    text = "<@U0LEAD01><@U0LEAD><!subteam^S0ABC><#C0BB|roads>"
    event = {"type": "message", "user": "U1", "channel": "C1", "ts": "2.0", "text": text, "blocks": [rich]} | more
    return {"event_id": "Ev1", "event": event}


@pytest.mark.parametrize("blocks", [{}, {"blocks": []}], ids=["rich", "plain"])
def test_who_is_mentioned_by_id_alone_is_listed_and_a_label_is_the_name(blocks: dict[str, object]) -> None:
    found = read_event(mentioning(thread_ts="1.0", **blocks))
    assert isinstance(found, Reply)
    assert found.text == "@U0LEAD01@U0LEAD@S0ABC#roads"
    assert found.mentions == ("@U0LEAD01", "@U0LEAD", "@S0ABC")


def test_a_residents_mentions_reach_nobody_as_ids() -> None:
    found = read_direct(mentioning(channel="D1"))
    assert isinstance(found, Said)
    assert found.text == "@…@…@…#roads"


@pytest.mark.parametrize("words", ["", "look"])
def test_a_forwarded_message_is_told_as_something_we_cannot_take_and_a_preview_is_not(words: str) -> None:
    share = {"is_share": True, "is_msg_unfurl": True, "text": "the lamp is out"}
    preview = {"is_msg_unfurl": True, "text": "the lamp is out"}
    event = {"type": "message", "user": "U1", "channel": "D1", "ts": "1.0", "text": words}
    found = read_direct({"event_id": "Ev1", "event": {**event, "attachments": [preview, share]}})
    assert found == Said("Ev1", "U1", "D1", "1.0", words, (SentFile("share", "file"),))
    seen = read_direct({"event_id": "Ev1", "event": {**event, "text": "look", "attachments": [preview]}})
    assert seen == Said("Ev1", "U1", "D1", "1.0", "look")


BEFORE = {"type": "message", "user": "U1", "ts": "1.0", "text": "words"}
TOMBSTONE = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": "1.0", "hidden": True}


@pytest.mark.parametrize(
    "event",
    [
        {"subtype": "message_deleted", "deleted_ts": "1.0", "previous_message": BEFORE},
        {"subtype": "message_changed", "message": TOMBSTONE, "previous_message": BEFORE},
    ],
    ids=["gone", "with-answers-below"],
)
def test_a_deleted_message_is_taken_back(event: dict[str, object]) -> None:
    body = {"event_id": "Ev1", "event": {"type": "message", "channel": "D1", "channel_type": "im", **event}}
    assert read_direct(body) == TakenBack("Ev1", "U1", "D1", "1.0")
    ours = {**event, "previous_message": {**BEFORE, "bot_id": "B1"}}
    body["event"] = {"type": "message", "channel": "D1", "channel_type": "im", **ours}
    assert read_direct(body) == Ignored("not-a-person")


def test_a_tombstone_that_is_deleted_too_makes_nobody_of_slackbot() -> None:
    gone = {"type": "message", "subtype": "message_deleted", "channel": "D1", "channel_type": "im", "deleted_ts": "1.0"}
    body = {"event_id": "Ev1", "event": {**gone, "previous_message": TOMBSTONE}}
    assert read_direct(body) == Ignored("not-a-person")


def test_an_edit_in_a_direct_message_is_read_as_one() -> None:
    def direct(body: dict[str, object]) -> dict[str, object]:
        event = body["event"]
        assert isinstance(event, dict)
        return {**body, "event": {**event, "channel": "D1", "channel_type": "im"}}

    edited = direct(changed("a", "b", thread_ts=""))
    assert is_direct(edited)
    assert read_direct(edited) == Edited("Ev1", "U1", "D1", "3.0")
    for body in (changed("a", "a"), changed("a", "b", edited=None), changed("a", "b", bot_id="B1")):
        assert read_direct(direct(body)) == Ignored("not-edited")


@pytest.mark.parametrize("left", [[{"id": "F1"}], [{"id": "F1"}, {"id": "F2", "mode": "tombstone"}]])
def test_a_file_that_is_deleted_out_of_a_direct_message_is_an_edit(left: list[dict[str, object]]) -> None:
    files = [{"id": "F1"}, {"id": "F2", "mode": "hosted"}]
    event = {"type": "message", "subtype": "message_changed", "channel": "D1", "channel_type": "im", "ts": "4.0"}
    before = {**BEFORE, "files": files}
    body = {"event_id": "Ev1", "event": {**event, "message": {**BEFORE, "files": left}, "previous_message": before}}
    assert read_direct(body) == Edited("Ev1", "U1", "D1", "4.0")
    same = {**event, "message": {**BEFORE, "files": files}, "previous_message": before}
    assert read_direct({"event_id": "Ev1", "event": same}) == Ignored("not-edited")


@pytest.mark.parametrize(
    "body",
    [
        changed("a", "a"),
        changed("a", "b", edited=None),
        changed("a", "b", bot_id="B1"),
        changed("a", "b", thread_ts=""),
    ],
    ids=["preview", "not-by-a-person", "ours", "no-thread"],
)
def test_what_only_looks_like_an_edit_is_passed_over(body: dict[str, object]) -> None:
    assert isinstance(read_event(body), Ignored)


def test_files_in_a_thread_are_read_with_and_without_words() -> None:
    event = {"type": "message", "subtype": "file_share", "user": "U1", "channel": "C1", "ts": "2.0", "thread_ts": "1.0"}
    found = read_event({"event_id": "Ev1", "event": {**event, "text": "", "files": [{"id": "F1"}, {"id": "F2"}]}})
    assert found == Reply("Ev1", "U1", "C1", "2.0", "1.0", "", files=2)
    assert read_event({"event_id": "Ev1", "event": {**event, "text": ""}}) == Ignored("no-words")


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ({"mimetype": "image/jpeg", "mode": "hosted", "is_external": False}, "photo"),
        ({"mimetype": "image/jpeg", "is_external": True}, "file"),
        ({"mimetype": "image/jpeg", "mode": "external"}, "file"),
        ({"mode": "file_access_check"}, "file"),
        ({"mode": "file_access", "file_access": "check_file_info"}, "photo"),  # what it is Slack says when asked
    ],
)
def test_a_picture_that_is_kept_elsewhere_is_no_photo(file: dict[str, object], kind: str) -> None:
    event = {"type": "message", "user": "U1", "channel": "D1", "ts": "1.0", "files": [{"id": "F1", **file}]}
    found = read_direct({"event_id": "Ev1", "event": event})
    assert isinstance(found, Said)
    assert found.files == (SentFile("F1", kind),)
