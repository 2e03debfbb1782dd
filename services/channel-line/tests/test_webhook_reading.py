import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linebot.v3.webhooks import Event
from prometheus_client import REGISTRY
from pydantic import SecretStr
from starlette.requests import Request

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_line.domain.webhook import Ignored, Malformed, read_webhook, signed
from machi_channel_line.entrypoints.decoding import decode_event
from machi_channel_line.entrypoints.webhook import Door, WebhookEndpoint
from machi_sdk.clock import ManualClock
from machi_sdk.inbound import Entrance
from machi_sdk.settings import LineSettings

DATA = Path(__file__).parent / "data"
VECTORS = json.loads((DATA / "signature_vectors.json").read_text(encoding="utf-8"))
SAMPLES = sorted((DATA / "webhook_java").glob("*.json"))
SENT = datetime.fromtimestamp(1462629479859 / 1000, UTC)
USER = {"type": "user", "userId": "U0123456789abcdef0123456789abcdef"}
KINDS = {
    "text-user": "text",
    "text-emojis": "text",
    "text-mention": "text",
    "webhook-redelivery": "text",
    "postback": "pressed",
    "image": "media",
    "location": "place",
    "unsend": "unsent",
    "follow": "followed",
    "unfollow": "unfollowed",
    "sticker": "other",
    "sticker-with-text": "other",
    "sticker-keywords-array": "other",
    "sticker-keywords-remove": "other",
    "video": "other",
    "file": "other",
}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_official_signature_vectors(vector: dict[str, str | bool]) -> None:
    body = str(vector["body"]).encode()
    assert signed(str(vector["secret"]), body, str(vector["signature"])) is vector["valid"]


def test_an_empty_secret_signs_nothing() -> None:
    digest = hmac.new(b"", b"{}", hashlib.sha256).digest()
    assert not signed("", b"{}", base64.b64encode(digest).decode())


def test_a_signature_of_any_characters_is_only_wrong() -> None:
    assert not signed("secret", b"{}", "署名")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_official_samples_are_taken_or_passed_over(path: Path) -> None:
    events = read_webhook(json.loads(path.read_text(encoding="utf-8"))).events
    taken = [decode_event(event, SENT) for event in events]
    kinds = [event.WhichOneof("kind") for event in taken if isinstance(event, InboundEvent)]
    assert kinds == ([KINDS[path.stem]] if path.stem in KINDS else [])


def test_who_edits_what_they_wrote_is_told_that_it_does_not_reach_us() -> None:
    sample = json.loads((DATA / "webhook_java" / "message-edited.json").read_text(encoding="utf-8"))["events"][0]
    edited = decode_event({**sample, "source": USER}, SENT)
    assert isinstance(edited, InboundEvent)
    assert (edited.other.kind, edited.message_id) == ("edited", "325708")


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.stem in KINDS], ids=lambda path: path.stem)
def test_we_read_what_the_official_models_read(path: Path) -> None:
    event = json.loads(path.read_text(encoding="utf-8"))["events"][0]
    # The official models insist on fields that came later than these samples.
    whole = {
        "webhookEventId": "01G2KZKG2DS765NMRH3GZFD8AP",
        "deliveryContext": {"isRedelivery": False},
        "follow": {"isUnblocked": False},
        **event,
    }
    if "message" in whole:
        whole["message"] = {"quoteToken": "q", "markAsReadToken": "m", **whole["message"]}
    model = Event.from_dict(whole)
    taken = decode_event(whole, SENT)
    assert isinstance(taken, InboundEvent)
    assert taken.event_id == model.webhook_event_id
    assert taken.address == model.source.user_id
    assert taken.redelivered == model.delivery_context.is_redelivery
    assert taken.reply_handle == (getattr(model, "reply_token", None) or "")


def test_missing_ids_are_derived_and_stay_the_same() -> None:
    event = json.loads((DATA / "webhook_java" / "text-user.json").read_text(encoding="utf-8"))["events"][0]
    first, again = decode_event(event, SENT), decode_event(event, SENT + timedelta(minutes=1))
    assert isinstance(first, InboundEvent)
    assert isinstance(again, InboundEvent)
    assert first.event_id == again.event_id != ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mode": "standby"}, "standby"),
        ({"timestamp": int((SENT - timedelta(days=8)).timestamp() * 1000)}, "too-old"),
        ({"source": {"type": "group", "groupId": "C1", "userId": "U1"}}, "not-one-to-one"),
        ({"source": {"type": "user"}}, "without-source"),
        ({"timestamp": "soon"}, "without-source"),
        ({"type": "greatNewFeature"}, "unknown-kind"),
        ({"message": {"id": "1", "type": "hologram"}}, "unknown-kind"),
        ({"message": "words"}, "unknown-kind"),
    ],
)
def test_what_is_not_for_us_is_passed_over(change: dict[str, object], why: str) -> None:
    event = {
        "type": "message",
        "timestamp": int(SENT.timestamp() * 1000),
        "source": USER,
        "message": {"id": "1", "type": "text", "text": "道路に穴"},
    }
    assert decode_event(event | change, SENT) == Ignored(why)


def test_what_is_taken_back_while_another_module_answers_is_taken_and_not_answered() -> None:
    event = {
        "mode": "standby",
        "timestamp": int(SENT.timestamp() * 1000),
        "source": USER,
        "unsend": {"messageId": "325708"},
    }
    taken = [decode_event({**event, "type": kind}, SENT) for kind in ("unsend", "unfollow")]
    kinds = [(event.WhichOneof("kind"), event.silent) for event in taken if isinstance(event, InboundEvent)]
    assert kinds == [("unsent", True), ("unfollowed", True)]


@pytest.mark.parametrize("body", [[], "x", {}, {"destination": 1, "events": []}, {"destination": "U1", "events": {}}])
def test_a_body_that_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(Malformed):
        read_webhook(body)


@pytest.mark.parametrize("odd", ["\\ud83d", "\\udc00\\ud83d"])
def test_letters_that_are_none_are_replaced_and_the_rest_is_kept(odd: str) -> None:
    stamp = int(SENT.timestamp() * 1000)
    message = json.loads(f'{{"id": "1{odd}", "type": "text", "text": "道路{odd}"}}')
    event = decode_event({"type": "message", "timestamp": stamp, "source": USER, "message": message}, SENT)
    assert isinstance(event, InboundEvent)
    assert event.text.text == "道路" + "?" * (len(odd) // 6)


@pytest.mark.parametrize("far", [float("nan"), float("inf"), 10**400])
def test_a_place_that_is_nowhere_is_passed_over(far: float) -> None:
    message = {"id": "1", "type": "location", "latitude": far, "longitude": 130.4}
    stamp = int(SENT.timestamp() * 1000)
    event = {"type": "message", "timestamp": stamp, "source": USER, "message": message}
    assert decode_event(event, SENT) == Ignored("unknown-kind")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["type", "source", "message", "postback", "timestamp", "mode", "webhookEventId", "replyToken"])


@given(st.dictionaries(fields, json_values), st.sampled_from(["message", "postback", "unsend", "follow"]))
def test_no_event_can_break_the_reading(strange: dict[str, object], kind: str) -> None:
    stamp = int(SENT.timestamp() * 1000)
    known = {"type": kind, "timestamp": stamp, "source": USER}
    for event in (known | strange, strange | known):
        assert isinstance(decode_event(event, SENT), InboundEvent | Ignored)


@pytest.mark.parametrize(("signature", "outcome"), [(b"AAAA", "bad-signature"), (b"", "unsigned")])
async def test_who_does_not_sign_at_all_is_told_from_a_wrong_secret(signature: bytes, outcome: str) -> None:
    """Scanners sign nothing; a signature that is wrong is LINE's own, by a secret that the pod does not have."""

    def counted() -> float:
        return REGISTRY.get_sample_value("machi_webhooks_total", {"channel": "line", "outcome": outcome}) or 0.0

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b'{"destination": "U1", "events": []}', "more_body": False}

    line = LineSettings(
        bot_user_id="U1", channel_secret=SecretStr("ours"), channel_access_token=SecretStr("t"), channel_id="1"
    )
    door = Door({"fukuoka": line}, cast("Entrance", None), ManualClock(SENT), dict)
    headers = [(b"x-line-signature", signature)] if signature else []
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    before = counted()
    answer = await WebhookEndpoint(door)(Request(scope, receive))
    assert (answer.status_code, counted() - before) == (401, 1.0)
