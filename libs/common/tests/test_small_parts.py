"""Settings, envelope, texts, forms, ids, names: small parts that many stand on."""

import asyncio
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi.consent.v1.events_pb2 import ConsentDecided
from machi.dialogue.v1.desk_card_pb2 import ChoiceField, Form, FormField, WordsField
from machi.dialogue.v1.messages_pb2 import Option
from machi_sdk.cards import check_form
from machi_sdk.clock import ManualClock, SystemClock, stamp
from machi_sdk.envelope import Provenance, decode, headers_of, wire_headers
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.health import Health
from machi_sdk.http import HttpServer
from machi_sdk.ids import derived_id, new_id
from machi_sdk.names import fold, stands_in
from machi_sdk.operating import ready
from machi_sdk.settings import Settings, host_and_port
from machi_sdk.telemetry import span
from machi_sdk.testing import LocalIssuer
from machi_sdk.texts import Texts, pick
from machi_sdk.yaml_text import KeyTwice, read_yaml, read_yaml_as_written

MOMENT = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACHI_PEERS", "identity=127.0.0.1:7201, reports=127.0.0.1:7202")
    monkeypatch.setenv("MACHI_TENANTS", "sapporo")
    monkeypatch.setenv("LINE_BOT_USER_ID", "U1")
    monkeypatch.setenv("LINE_CHANNEL_SECRET", "very secret")
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "very secret, too")
    monkeypatch.setenv("LINE_API_URL", "http://127.0.0.1:7100/line/")
    settings = Settings()
    assert settings.peers == {"identity": "127.0.0.1:7201", "reports": "127.0.0.1:7202"}
    assert settings.tenants == {"fukuoka", "sapporo"}
    line = settings.line_channels.by_tenant["fukuoka"]
    assert (line.bot_user_id, line.api_url) == ("U1", "http://127.0.0.1:7100/line")
    assert settings.slack_channels.by_tenant == {}
    assert "very secret" not in repr(settings) + repr(line)


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        *(("tree", "a hole in the street", False), ("tree", "a fallen tree", True), ("hole", "potholes", False)),
        *(("hole", "holes", True), ("穴", "道に穴", True), ("é", "café", True), ("", "x", True)),
    ],
)
def test_words_stand_where_a_word_begins(words: str, text: str, found: bool) -> None:
    assert stands_in(words, text) is found


def _knows_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


BOTH = ["127.0.0.1", "::1"] if _knows_ipv6() else ["127.0.0.1"]


@pytest.mark.parametrize(
    ("address", "hosts"), [("0.0.0.0:0", BOTH), ("[::]:0", BOTH), *(("[::1]:0", [host]) for host in BOTH[1:])]
)
async def test_a_pod_is_reached_by_ipv6_and_its_own_operator_reaches_it(address: str, hosts: list[str]) -> None:
    """By both families where it listens everywhere."""
    http = HttpServer(Health())
    await http.start(address)
    for host in hosts:
        _, writer = await asyncio.open_connection(host, http.port)
        writer.close()
    here = f"{address.rpartition(':')[0]}:{http.port}"
    good, said = await asyncio.to_thread(ready, Settings(machi_http_address=here))
    await http.drain()
    assert good, said


@pytest.mark.parametrize("address", ["localhost", "", "127.0.0.1:"])
def test_an_address_needs_a_port(address: str) -> None:
    assert host_and_port("127.0.0.1:80") == ("127.0.0.1", 80)
    with pytest.raises(Invalid):
        host_and_port(address)


def test_an_event_comes_back_as_it_went() -> None:
    event = ConsentDecided(citizen_id="citizen-1")
    with span("a message"):
        headers = headers_of(event, Provenance("event-1", "identity", "fukuoka", MOMENT))
    received = decode("machi.consent.v1", b"citizen-1", wire_headers(headers), event.SerializeToString())
    assert received.event == event
    told = (received.event_id, received.tenant, received.key, received.occurred_at, received.type)
    assert told == ("event-1", "fukuoka", "citizen-1", MOMENT, "machi.consent.v1.ConsentDecided")
    assert headers["traceparent"].split("-")[1] == received.trace_id
    naive = wire_headers({**headers, "ce_time": "2026-04-01T09:00:00"})
    assert decode("t", None, naive, b"").occurred_at == MOMENT


@given(
    st.dictionaries(st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_tenant", "traceparent"]), st.text(max_size=30)),
    st.binary(max_size=50),
)
def test_whatever_lies_on_a_topic_is_an_event_or_invalid(headers: dict[str, str], payload: bytes) -> None:
    for fixed in ({}, {"ce_id": "x", "ce_type": "machi.consent.v1.ConsentDecided"}):
        try:
            decode("topic", None, wire_headers({**headers, **fixed}), payload)
        except Invalid as error:
            refused = error.slug
        else:
            refused = "event-read"
        assert refused.startswith(("envelope-", "event-"))


def test_texts_fall_back_along_the_chain_of_their_language(tmp_path: Path) -> None:
    (tmp_path / "ja.yaml").write_text("hello: こんにちは、{name}さん\nonly: ここだけ\n", encoding="utf-8")
    (tmp_path / "en.yaml").write_text("hello: Hello {name}\n", encoding="utf-8")
    texts = Texts(tmp_path)
    assert texts.say("en", "hello", name="A") == "Hello A"
    assert texts.say("en", "only") == texts.say("ko", "only") == "ここだけ"
    assert (texts.has("hello"), texts.has("bye"), texts.words("only")) == (True, False, {"ja": "ここだけ"})
    with pytest.raises(KeyError):
        texts.say("en", "bye")
    assert pick({"en": "x", "ja": "y"}, "zh-Hant") == "x"
    assert pick({"en": "x", "ja": "y"}, "unheard-of") == "y"
    assert (pick({"ko": "z"}, "ja"), pick({}, "ja"), pick({"ja": "", "en": "x"}, "ja")) == ("z", "", "x")


@pytest.mark.parametrize("read", [read_yaml, read_yaml_as_written])
def test_a_key_stands_once_in_its_mapping(read: Callable[[str], object]) -> None:
    assert read("a: {b: x}\nc: {b: y}") == {"a": {"b": "x"}, "c": {"b": "y"}}
    with pytest.raises(KeyTwice, match="line 3: the key 'b' stands here twice"):
        read("a:\n  b: x\n  b: y")


def test_a_text_that_stands_twice_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "ja.yaml").write_text("desk: x\ndesk: y\n")
    with pytest.raises(KeyTwice, match=r"ja.yaml, line 2: the key 'desk' stands here twice"):
        Texts(tmp_path).say("ja", "desk")


def test_where_nobody_knows_the_language_two_are_said() -> None:
    texts = Texts(Path(__file__).parents[1] / "src" / "machi_sdk" / "dialogue" / "texts")
    assert texts.say_anyhow("ko", "return.again") == texts.say("ko", "return.again")
    assert texts.say_anyhow("", "return.again") == "はじめから\nStart over"


def test_a_form_says_which_field_is_wrong() -> None:
    form = Form(
        fields=[
            FormField(field_id="note", label="Note", words=WordsField(minimum=2, maximum=5), error="2 to 5 characters"),
            FormField(field_id="desk", label="Desk", choice=ChoiceField(options=[Option(option_id="roads")])),
            FormField(field_id="more", label="More", words=WordsField(maximum=5), optional=True),
        ]
    )
    assert check_form(form, {"note": "mended"[:5], "desk": "roads"}) == {}
    assert check_form(form, {"note": " x ", "desk": "parks", "more": "too long"}) == {
        "note": "2 to 5 characters",
        "desk": "Desk",
        "more": "More",
    }
    assert set(check_form(form, {})) == {"note", "desk"}
    assert check_form(form, {"note": "mend", "desk": "parks"}, as_offered=False) == {}
    assert set(check_form(form, {"note": "mend", "desk": " "}, as_offered=False)) == {"desk"}


def test_a_form_may_need_one_of_its_optional_fields() -> None:
    near = FormField(
        field_id="near", optional=True, choice=ChoiceField(options=[Option(option_id="a")]), error="Choose"
    )
    typed = FormField(field_id="typed", optional=True, words=WordsField(minimum=1, maximum=5), error="Type")
    form = Form(fields=[near, typed], needs_one_of=["near", "typed"])
    assert check_form(form, {"near": "", "typed": " "}) == {"near": "Choose"}
    assert check_form(form, {"typed": "b"}) == check_form(form, {"near": "a"}) == {}
    assert check_form(form, {"near": "a", "typed": "too long"}) == {"typed": "Type"}


def test_ids_sort_by_time_and_derived_ones_stay() -> None:
    ids = [new_id() for _ in range(50)]
    assert [one[:8] for one in ids] == sorted(one[:8] for one in ids)
    assert len(set(ids)) == 50
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in ids)
    assert derived_id("a", "bc") == derived_id("a", "bc") != derived_id("ab", "c")


def test_typed_words_are_compared_by_meaning() -> None:
    assert fold("　ＳＴＯＰ　ｍｅｓｓａｇｅｓ！") == fold("stop messages")
    assert fold("通報。") == "通報"


def test_clocks_tell_utc() -> None:
    clock = ManualClock(MOMENT)
    clock.advance(timedelta(hours=1))
    assert clock.now() == MOMENT + timedelta(hours=1)
    assert SystemClock().now().tzinfo is UTC


def test_a_moment_travels_to_the_microsecond_whatever_its_zone() -> None:
    there = (MOMENT + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=9)))
    assert stamp(there).ToDatetime(UTC) == there


def test_keys_are_read_from_files_and_a_pseudonym_is_the_same_in_every_pod(tmp_path: Path) -> None:
    issuer = LocalIssuer(tmp_path)
    issuer.allow("reports", "identity")
    reports, identity = issuer.keys_of("reports"), issuer.keys_of("identity")
    assert identity.caller_of(reports.token_for("identity"), "identity") == "reports"
    with pytest.raises(Unavailable, match="declare it"):
        reports.token_for("notifications")
    assert reports.hmac("U123") == identity.hmac("U123") != reports.hmac("U124")
    assert "U123" not in reports.hmac("U123")
