"""What Slack delivers, read liberally: unknown kinds and fields are passed over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from machi_channel_slack.domain.mentions import id_word, labels, renamed
from machi_channel_slack.domain.nodes import Json, part, parts, words
from machi_channel_slack.domain.rich_words import led_to, rich_mentions, rich_words

# Subtypes under which people still say something; all others are edits, joins, and the like.
_SPOKEN = ("", "thread_broadcast", "file_share")
# The elements of a message whose use means something by itself.
_USED = ("button", "static_select", "overflow", "datepicker", "timepicker")
_TOKEN = re.compile(r"<([^<>]*)>")


class Malformed(ValueError):
    """The body is nothing Slack sends."""


@dataclass(frozen=True)
class Ignored:
    """Something we do not take, and the slug why."""

    why: str


@dataclass(frozen=True)
class Reply:
    """A person wrote in a thread, sent files there, or edited or deleted what stands there.

    `mentions` are the ids that stand in the text for names.
    """

    event_id: str
    user: str
    channel: str
    ts: str
    thread_ts: str
    text: str
    files: int = 0
    edited: bool = False
    deleted: bool = False
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Press:
    """A person pressed a button of a message, or used another element; `chosen` are the boxes ticked beside it."""

    user: str
    channel: str
    message_ts: str
    action_id: str
    action_ts: str
    value: str
    trigger_id: str
    response_url: str
    date: str = ""
    time: str = ""
    chosen: tuple[str, ...] = ()
    thread_ts: str = ""


@dataclass(frozen=True)
class Submission:
    """A person sent a form; values by field."""

    user: str
    view_id: str
    metadata: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class HomeLook:
    """A person looked at the app's home tab."""

    event_id: str
    user: str
    ts: str


def read_event(body: Json) -> Reply | HomeLook | Ignored:
    """The event of an `event_callback`; Malformed when its frame is broken."""
    event, event_id = part(body, "event"), words(body, "event_id")
    if not event or not event_id:
        raise Malformed("event or event_id missing")
    if words(event, "type") == "app_home_opened":
        return _home_look(event, event_id)
    if words(event, "type") != "message":
        return Ignored("other-event")
    if words(event, "subtype") not in _SPOKEN:
        return _changed(event, event_id)
    found = _reply(event, event_id, words(event, "channel"))
    if isinstance(found, Reply) and not found.text.strip() and not found.files:
        return Ignored("no-words")
    return found


def _reply(message: Json, event_id: str, channel: str) -> Reply | Ignored:
    if words(message, "bot_id") or not words(message, "user"):
        return Ignored("not-a-person")
    thread_ts = thread_of(message)
    if not thread_ts:
        return Ignored("not-in-a-thread")
    return Reply(
        event_id=event_id,
        user=words(message, "user"),
        channel=channel,
        ts=words(message, "ts"),
        thread_ts=thread_ts,
        text=said_in(message),
        files=len(parts(message, "files")),
        mentions=mentions_in(message),
    )


def _changed(event: Json, event_id: str) -> Reply | Ignored:
    if taken_back(event):
        return _deleted(event, event_id)
    changed = words(event, "subtype") == "message_changed"
    return _edited(event, event_id) if changed else Ignored("not-a-person")


def _edited(event: Json, event_id: str) -> Reply | Ignored:
    if not is_edit(event):
        return Ignored("not-edited")
    found = _reply(part(event, "message"), edit_id(event, event_id), words(event, "channel"))
    return found if isinstance(found, Ignored) else replace(found, files=0, edited=True)


def _deleted(event: Json, event_id: str) -> Reply | Ignored:
    """Words that were deleted; pictures alone had not been passed on."""
    found = _reply(part(event, "previous_message"), event_id, words(event, "channel"))
    if isinstance(found, Reply) and not found.text.strip():
        return Ignored("no-words")
    return found if isinstance(found, Ignored) else replace(found, text="", files=0, deleted=True, mentions=())


def thread_of(message: Json) -> str:
    """The thread that a message stands in; empty for what begins one, and outside of threads."""
    thread_ts = words(message, "thread_ts")
    return "" if thread_ts == words(message, "ts") else thread_ts


def taken_back(event: Json) -> str:
    """The ts of the message that an event takes back; one that had answers leaves a tombstone. Empty for others."""
    if words(event, "subtype") == "message_deleted":
        return words(event, "deleted_ts")
    stone = part(event, "message")
    changed = words(event, "subtype") == "message_changed"
    return words(stone, "ts") if changed and words(stone, "subtype") == "tombstone" else ""


def is_edit(event: Json) -> bool:
    """Whether somebody gave a message other words; Slack also says "changed" when it adds a preview."""
    after = part(event, "message")
    return bool(words(part(after, "edited"), "user")) and said_in(after) != said_in(part(event, "previous_message"))


def edit_id(event: Json, event_id: str) -> str:
    """Where Slack does not say what the words were, one edit is one event, however often it says so."""
    after = part(event, "message")
    said_once = f"{words(event, 'channel')}/{words(after, 'ts')}/{words(part(after, 'edited'), 'ts')}"
    return event_id if part(event, "previous_message") else said_once


def _home_look(event: Json, event_id: str) -> HomeLook | Ignored:
    if not words(event, "user"):
        raise Malformed("user missing")
    if words(event, "tab") not in ("", "home"):
        return Ignored("not-the-home-tab")
    return HomeLook(event_id, words(event, "user"), words(event, "event_ts"))


def read_interaction(payload: Json) -> Press | Submission | Ignored:
    """The interaction of a payload; Malformed when its frame is broken."""
    user = words(part(payload, "user"), "id")
    kind = words(payload, "type")
    if not user or not kind:
        raise Malformed("user or type missing")
    if kind == "block_actions":
        return _press(payload, user)
    if kind == "view_submission":
        return _submission(payload, user)
    return Ignored("other-interaction")


def _press(payload: Json, user: str) -> Press | Ignored:
    actions = [action for action in parts(payload, "actions") if words(action, "type") in _USED]
    container = part(payload, "container")
    channel = words(part(payload, "channel"), "id") or words(container, "channel_id")
    if not actions or not channel:
        return Ignored("no-button")
    action = actions[0]
    picked = words(part(action, "selected_option"), "value")
    date, time = words(action, "selected_date"), words(action, "selected_time")
    return Press(
        user=user,
        channel=channel,
        message_ts=words(container, "message_ts") or words(part(payload, "message"), "ts"),
        action_id=words(action, "action_id"),
        action_ts=words(action, "action_ts"),
        value=words(action, "value") or picked or (words(action, "action_id") if date or time else ""),
        trigger_id=words(payload, "trigger_id"),
        response_url=words(payload, "response_url"),
        date=date,
        time=time,
        chosen=_ticked(part(part(payload, "state"), "values")),
        thread_ts=thread_of(part(payload, "message")),
    )


def _ticked(blocks: Json) -> tuple[str, ...]:
    """Values of the ticked boxes of a message."""
    elements = [element for block in blocks.values() if isinstance(block, dict) for element in block.values()]
    boxes = [element for element in elements if isinstance(element, dict) and words(element, "type") == "checkboxes"]
    return tuple(words(option, "value") for element in boxes for option in parts(element, "selected_options"))


def _submission(payload: Json, user: str) -> Submission:
    view = part(payload, "view")
    blocks = part(part(view, "state"), "values")
    values = {field_id: _value(part(blocks, field_id)) for field_id in blocks}
    if not words(view, "id"):
        raise Malformed("view missing")
    return Submission(user, words(view, "id"), words(view, "private_metadata"), values)


def _value(elements: Json) -> str:
    for element in elements.values():
        if isinstance(element, dict):
            return words(element, "value") or words(part(element, "selected_option"), "value")
    return ""


def said_in(message: Json) -> str:
    """What a person wrote in a message, exactly: its rich text where it has one."""
    rich, text = rich_words(parts(message, "blocks")), words(message, "text")
    return renamed(rich, {word: name for word, name in labels(text).items() if name}) if rich else plain(text)


def mentions_in(message: Json) -> tuple[str, ...]:
    """The ids that are left among these words, each once."""
    names = labels(words(message, "text"))
    rich = rich_words(parts(message, "blocks"))
    found = rich_mentions(parts(message, "blocks")) if rich else names
    return tuple(dict.fromkeys(each for each in found if not names.get(each)))


def plain(text: str) -> str:
    """Words as they were typed: links and mentions unwrapped, then Slack's three escapes undone."""
    unwrapped = _TOKEN.sub(lambda found: _unwrapped(found[1]), text)
    return unwrapped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _unwrapped(token: str) -> str:
    target, _, label = token.partition("|")
    if word := id_word(target):
        return f"{word[0]}{label.removeprefix(word[0])}" if label else word
    if target.startswith("!date^"):
        return label or target.split("^")[1]
    if target.startswith("!"):
        return label if label.startswith("@") else f"@{label or target[1:]}"
    target = led_to(target, label)
    return f"{label} ({target})" if label and label not in target else label or target
