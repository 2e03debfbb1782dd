"""What a resident does in the direct conversation with the app, read liberally."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi_channel_slack.domain.mentions import left_open
from machi_channel_slack.domain.nodes import Json, part, parts, words
from machi_channel_slack.domain.payloads import (
    Ignored,
    Malformed,
    edit_id,
    is_edit,
    mentions_in,
    plain,
    said_in,
    taken_back,
    thread_of,
)

_SPOKEN = ("", "file_share", "thread_broadcast", "me_message")


@dataclass(frozen=True)
class SentFile:
    """A file of a message; `kind` is photo, video, audio, or file. One not described yet may be a photo."""

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
    thread_ts: str = ""


@dataclass(frozen=True)
class TakenBack:
    """A person deleted a message of theirs; `user` is empty where Slack does not say whose it was."""

    event_id: str
    user: str
    channel: str
    ts: str
    thread_ts: str = ""


@dataclass(frozen=True)
class Edited:
    """A person gave a message of theirs other words, or deleted a file out of it, at `ts`."""

    event_id: str
    user: str
    channel: str
    ts: str
    thread_ts: str = ""


@dataclass(frozen=True)
class Commanded:
    """A person used the app's slash command, anywhere."""

    user: str
    text: str


def is_direct(body: Json) -> bool:
    """Whether an event belongs to the direct conversation with the app."""
    event = part(body, "event")
    kind = words(event, "channel_type") or ("im" if words(event, "channel").startswith("D") else "")
    return words(event, "type") == "message" and kind == "im"


def read_direct(body: Json) -> Said | TakenBack | Edited | Ignored:
    """The event; Malformed when its frame is broken."""
    event, event_id = part(body, "event"), words(body, "event_id")
    channel = words(event, "channel")
    if not event_id or not channel:
        raise Malformed("event_id or channel missing")
    if taken_ts := taken_back(event):
        before = part(event, "previous_message")
        if before and not _by_a_person(before):
            return Ignored("not-a-person")
        return TakenBack(event_id, words(before, "user"), channel, taken_ts, thread_of(before))
    if words(event, "subtype") == "message_changed":
        return _edited(event, event_id)
    if words(event, "bot_id") or words(event, "subtype") not in _SPOKEN or not words(event, "user"):
        return Ignored("not-a-person")
    text = left_open(said_in(event), mentions_in(event))
    files = (*map(_file, parts(event, "files")), *_forwarded(event))
    if not text.strip() and not files:
        return Ignored("no-words")
    return Said(event_id, words(event, "user"), channel, words(event, "ts"), text, files, thread_of(event))


def _by_a_person(message: Json) -> bool:
    """False for our own messages, and for the tombstone that Slackbot puts where a message with answers was deleted."""
    return not words(message, "bot_id") and bool(words(message, "user")) and words(message, "subtype") != "tombstone"


def _edited(event: Json, event_id: str) -> Edited | Ignored:
    message, channel = part(event, "message"), words(event, "channel")
    is_reworded = is_edit(event)
    if words(message, "bot_id") or not words(message, "user") or not (is_reworded or _lost_a_file(event)):
        return Ignored("not-edited")
    at = words(part(message, "edited") if is_reworded else event, "ts")
    return Edited(edit_id(event, event_id), words(message, "user"), channel, at, thread_of(message))


def _lost_a_file(event: Json) -> bool:
    """Whether a file was deleted out of a message that stays; Slack leaves its tombstone there, or nothing."""
    return not _files_left(part(event, "previous_message")) <= _files_left(part(event, "message"))


def _files_left(message: Json) -> set[str]:
    return {words(file, "id") for file in parts(message, "files") if words(file, "mode") != "tombstone"}


def read_command(fields: Mapping[str, str]) -> Commanded:
    """The slash command of a form; Malformed when somebody or something is missing."""
    user = fields.get("user_id", "")
    if not user or not fields.get("command"):
        raise Malformed("user_id or command missing")
    return Commanded(user, plain(fields.get("text", "")).strip())


def is_external(file: Json) -> bool:
    """Whether Slack only knows the address of a file that is kept elsewhere."""
    return file.get("is_external") is True or words(file, "mode") == "external"


def _forwarded(event: Json) -> tuple[SentFile, ...]:
    """A message that was passed on, as a file we cannot take: it is not the person's own word.

    Other attachments are previews of links among the words.
    """
    is_share = any(each.get("is_share") is True for each in parts(event, "attachments"))
    return (SentFile("share", "file"),) if is_share else ()


def _file(file: Json) -> SentFile:
    if words(file, "file_access") == "check_file_info":
        return SentFile(words(file, "id"), "photo")
    family = "" if is_external(file) else words(file, "mimetype").partition("/")[0]
    kind = {"image": "photo", "video": "video", "audio": "audio"}.get(family, "file")
    return SentFile(words(file, "id"), kind)
