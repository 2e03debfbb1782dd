"""LINE's webhook read liberally: unknown events and fields are passed over, missing ids are derived."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Json = Mapping[str, object]
OLDEST = timedelta(days=7)
_LARGEST = 1e9
# What counts even while another module of the account has the conversation: nobody tells of it again.
_ALWAYS = ("unsend", "unfollow")


class Malformed(ValueError):
    """The body is not a webhook."""


@dataclass(frozen=True)
class Webhook:
    """Destination and events of one request."""

    destination: str
    events: Sequence[Json]


@dataclass(frozen=True)
class Sent:
    """What every event we take has; `silent` while another module of the account has the conversation."""

    kind: str
    address: str
    at: datetime
    reply_token: str
    redelivered: bool
    silent: bool
    detail: Json


@dataclass(frozen=True)
class Ignored:
    """An event we do not take, and the slug why."""

    why: str


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether the signature is base64(HMAC-SHA256(secret, raw bytes)), no empty secret; compared in constant time."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return bool(secret) and hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "surrogateescape"))


def read_webhook(parsed: object) -> Webhook:
    """The request of a parsed body; Malformed when destination or events are not there."""
    if not isinstance(parsed, dict):
        raise Malformed("not an object")
    destination, events = parsed.get("destination"), parsed.get("events")
    if not isinstance(destination, str) or not isinstance(events, list):
        raise Malformed("destination or events missing")
    return Webhook(destination, [event for event in events if isinstance(event, dict)])


def read_event(event: Json, now: datetime) -> Sent | Ignored:
    """One event, or why it is not for us."""
    source = part(event, "source")
    address = words(source, "userId")
    at = moment(event)
    kind, silent = words(event, "type"), event.get("mode", "active") != "active"
    if silent and kind not in _ALWAYS:
        return Ignored("standby")
    if words(source, "type") in ("group", "room"):
        return Ignored("not-one-to-one")
    if not address or at is None:
        return Ignored("without-source")
    if now - at > OLDEST:
        return Ignored("too-old")
    redelivered = part(event, "deliveryContext").get("isRedelivery") is True
    return Sent(kind, address, at, words(event, "replyToken"), redelivered, silent, event)


def moment(event: Json) -> datetime | None:
    """The event's time, or None when it has none that can be."""
    stamp = event.get("timestamp")
    if not isinstance(stamp, int) or isinstance(stamp, bool) or not 0 <= stamp < 1 << 43:
        return None
    return datetime.fromtimestamp(stamp / 1000, UTC)


def part(node: Json, key: str) -> Json:
    """The object under a key; empty when there is none."""
    found = node.get(key)
    return found if isinstance(found, dict) else {}


def words(node: Json, key: str) -> str:
    """The string under a key, its lone surrogates replaced: they cannot be kept. Empty when there is none."""
    found = node.get(key)
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else ""


def number(node: Json, key: str) -> float | None:
    """The number under a key, or None; nothing that platforms count or measure is larger than a billion."""
    found = node.get(key)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    return float(found) if abs(found) <= _LARGEST else None
