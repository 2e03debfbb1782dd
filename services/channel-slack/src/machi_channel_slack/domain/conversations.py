"""What a resident does in the direct conversation with the app, read liberally."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_channel_slack.domain.payloads import Ignored, Json, Malformed, part, parts, plain, said_in, words

_SPOKEN = ("", "file_share", "thread_broadcast", "me_message")


@dataclass(frozen=True)
class SentFile:
    """A file of a message; `kind` is photo, video, audio, or file."""

    file_id: str
    kind: str


@dataclass(frozen=True)
class Said:
    """A person wrote to the app: words, files, or both."""

    event_id: str
    user: str
    channel: str
    ts: str
    text: str
    files: tuple[SentFile, ...] = ()


@dataclass(frozen=True)
class TakenBack:
    """A person deleted a message of theirs."""

    event_id: str
    user: str
    channel: str
    ts: str


@dataclass(frozen=True)
class Commanded:
    """A person used the app's slash command, anywhere."""

    user: str
    text: str
    trigger_id: str


def is_direct(body: Json) -> bool:
    """Whether an event belongs to the direct conversation with the app."""
    event = part(body, "event")
    return words(event, "type") == "message" and words(event, "channel_type") == "im"


def read_direct(body: Json) -> Said | TakenBack | Ignored:
    """The event; Malformed when its frame is broken."""
    event, event_id = part(body, "event"), words(body, "event_id")
    channel = words(event, "channel")
    if not event_id or not channel:
        raise Malformed("event_id or channel missing")
    if words(event, "subtype") == "message_deleted":
        before = part(event, "previous_message")
        user, ts = words(before, "user"), words(event, "deleted_ts")
        ours = words(before, "bot_id") or not user or not ts
        return Ignored("not-a-person") if ours else TakenBack(event_id, user, channel, ts)
    if words(event, "bot_id") or words(event, "subtype") not in _SPOKEN or not words(event, "user"):
        return Ignored("not-a-person")
    text, files = said_in(event), tuple(map(_file, parts(event, "files")))
    if not text.strip() and not files:
        return Ignored("no-words")
    return Said(event_id, words(event, "user"), channel, words(event, "ts"), text, files)


def read_command(fields: Mapping[str, str]) -> Commanded:
    """The slash command of a form; Malformed when somebody or something is missing."""
    user, trigger = fields.get("user_id", ""), fields.get("trigger_id", "")
    if not user or not fields.get("command"):
        raise Malformed("user_id or command missing")
    return Commanded(user, plain(fields.get("text", "")).strip(), trigger)


def is_external(file: Json) -> bool:
    """Whether Slack only knows the address of a file that is kept elsewhere."""
    return file.get("is_external") is True or words(file, "mode") == "external"


def _file(file: Json) -> SentFile:
    family = "" if is_external(file) else words(file, "mimetype").partition("/")[0]
    kind = {"image": "photo", "video": "video", "audio": "audio"}.get(family, "file")
    return SentFile(words(file, "id"), kind)
