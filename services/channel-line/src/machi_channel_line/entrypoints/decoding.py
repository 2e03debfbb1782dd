"""One LINE event as the channel-neutral InboundEvent."""

from collections.abc import Callable
from datetime import datetime

from machi.channel.v1 import events_pb2 as channel
from machi_channel_line.domain.webhook import Ignored, Json, Sent, number, part, read_event, words
from machi_sdk.clock import stamp
from machi_sdk.ids import derived_id

_OTHERS = ("sticker", "audio", "video", "file")
MOST_TOGETHER = 1000  # no platform sends more photos at once; what says so is damaged


def decode_event(event: Json, now: datetime) -> channel.InboundEvent | Ignored:
    """The event to keep, or why it is passed over."""
    sent = read_event(event, now)
    if isinstance(sent, Ignored):
        return sent
    decoded = channel.InboundEvent(
        event_id=_event_id(sent),
        channel="line",
        address=sent.address,
        redelivered=sent.redelivered,
        reply_handle=sent.reply_token,
        message_id=words(part(event, "message"), "id"),
        silent=sent.silent,
    )
    decoded.occurred_at.CopyFrom(stamp(sent.at))
    decoded.received_at.CopyFrom(stamp(now))
    take = _KINDS.get(sent.kind)
    if take is None or not take(event, decoded):
        return Ignored("unknown-kind")
    return decoded


def _event_id(sent: Sent) -> str:
    message_id = words(part(sent.detail, "message"), "id")
    derived = derived_id("line", sent.address, str(int(sent.at.timestamp() * 1000)), sent.kind, message_id)
    return words(sent.detail, "webhookEventId") or derived


def _message(event: Json, into: channel.InboundEvent) -> bool:
    message = part(event, "message")
    kind = words(message, "type")
    if kind == "text" and isinstance(message.get("text"), str):
        into.text.text = words(message, "text")
    elif kind == "image":
        ours = words(part(message, "contentProvider"), "type") in ("line", "")
        into.media.content_id = words(message, "id") if ours else ""
        into.media.content_type = "image"
        together = part(message, "imageSet")
        into.media.set_id = words(together, "id")
        into.media.set_index = _index(together)
    elif kind == "location":
        return _place(message, into)
    elif kind in _OTHERS:
        into.other.kind = kind
    else:
        return False
    return True


def _index(together: Json) -> int:
    index = number(together, "index")
    return int(index) if index is not None and 0 < index <= MOST_TOGETHER else 0


def _place(message: Json, into: channel.InboundEvent) -> bool:
    latitude, longitude = number(message, "latitude"), number(message, "longitude")
    if latitude is None or longitude is None:
        return False
    into.place.latitude, into.place.longitude = latitude, longitude
    into.place.title = words(message, "title")
    into.place.address = words(message, "address")
    return True


def _postback(event: Json, into: channel.InboundEvent) -> bool:
    postback = part(event, "postback")
    picked = part(postback, "params")
    into.pressed.data = words(postback, "data")
    into.pressed.date = words(picked, "date")
    into.pressed.time = words(picked, "time")
    return True


def _unsend(event: Json, into: channel.InboundEvent) -> bool:
    into.unsent.message_id = words(part(event, "unsend"), "messageId")
    return bool(into.unsent.message_id)


def _edited(_event: Json, into: channel.InboundEvent) -> bool:
    into.other.kind = "edited"  # what was written first still counts, and they are told so
    return True


def _follow(_event: Json, into: channel.InboundEvent) -> bool:
    into.followed.SetInParent()
    return True


def _unfollow(_event: Json, into: channel.InboundEvent) -> bool:
    into.unfollowed.SetInParent()
    return True


_KINDS: dict[str, Callable[[Json, channel.InboundEvent], bool]] = {
    "message": _message,
    "messageEdited": _edited,
    "postback": _postback,
    "follow": _follow,
    "unfollow": _unfollow,
    "unsend": _unsend,
}
