"""Putting messages into conversations: the checks and effects every way of posting shares."""

from collections.abc import Sequence
from dataclasses import dataclass

from machi_simulator.changes import Changes
from machi_simulator.jsontree import Json, as_object, text
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.model import SlackMessage
from machi_simulator.slack.outgoing import Outgoing
from machi_simulator.slack.rules_blocks import check_message_blocks
from machi_simulator.slack.scopes import READING
from machi_simulator.slack.state import BOT_ID, BOT_USER, SlackState, described

MOST_TEXT = 40_000
# Slack writes "4,000 characters" and counts bytes.
MOST_BYTES_OF_AN_UPDATE = 4_000


@dataclass(frozen=True)
class Written:
    """The checked content of a message."""

    text: str
    blocks: list[Json]


def check_content(state: SlackState, args: Json) -> Written:
    """Text and blocks of a request. Raises SlackError as Slack refuses them."""
    words = text(args, "text")
    if len(words) > MOST_TEXT:
        raise SlackError("msg_too_long")
    blocks = args.get("blocks")
    if not words and not blocks and not args.get("attachments"):
        raise SlackError("no_text")
    return Written(words, check_message_blocks(blocks, state.known_file) if blocks else [])


class Posting:
    """Posts as the app and as people; everyone's messages become events."""

    def __init__(self, state: SlackState, outgoing: Outgoing, changes: Changes) -> None:
        self._state = state
        self._outgoing = outgoing
        self._changes = changes

    def as_app(self, channel: str, written: Written, args: Json) -> SlackMessage:
        """A message of the app."""
        thread_ts = text(args, "thread_ts")
        root = self._state.message(channel, thread_ts) if thread_ts else None
        if thread_ts and root is None:
            raise SlackError("thread_not_found")
        message = self._new(channel, BOT_USER, written)
        message.bot_id = BOT_ID
        message.thread_ts = root.root if root else ""
        message.metadata = as_object(args.get("metadata"))
        return self._put(message)

    def as_person(
        self, channel: str, user: str, words: str, thread_ts: str = "", files: Sequence[str] = ()
    ) -> SlackMessage:
        """A message of a person; `words` are escaped already."""
        message = self._new(channel, user, Written(words, []))
        message.thread_ts, message.files = thread_ts, list(files)
        return self._put(message)

    def for_one(self, channel: str, seen_by: str, written: Written, thread_ts: str = "") -> SlackMessage:
        """An ephemeral message; nobody is told."""
        message = self._new(channel, BOT_USER, written)
        message.bot_id, message.seen_by, message.thread_ts = BOT_ID, seen_by, thread_ts
        self._changes.notify()
        return self._state.post(message)

    def with_files(self, channel: str, files: list[str], comment: str, thread_ts: str = "") -> SlackMessage:
        """A message of the app that shares files."""
        message = self._new(channel, BOT_USER, Written(comment, []))
        message.bot_id, message.files, message.thread_ts = BOT_ID, files, thread_ts
        return self._put(message)

    def change(self, message: SlackMessage, written: Written) -> SlackMessage:
        """A message of the app gets new content."""
        before = described(self._state, message)
        message.text, message.blocks, message.edited = written.text, written.blocks, self._state.ts()
        self._state.post(message)
        self._tell_change(message, {"subtype": "message_changed", "previous_message": before})
        return message

    def delete(self, message: SlackMessage) -> None:
        """A message disappears."""
        before = described(self._state, message)
        self._state.drop(message)
        gone: Json = {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": before}
        self._tell_change(message, gone)

    def _new(self, channel: str, user: str, written: Written) -> SlackMessage:
        ts = self._state.ts()
        return SlackMessage(
            id=f"{channel}:{ts}", channel=channel, ts=ts, user=user, text=written.text, blocks=written.blocks
        )

    def _put(self, message: SlackMessage) -> SlackMessage:
        self._state.post(message)
        self._changes.notify()
        if self._heard(message.channel):
            event = described(self._state, message) | self._where(message)
            if message.files and not message.bot_id:
                event["subtype"] = "file_share"
            if message.thread_ts:
                root = self._state.message(message.channel, message.thread_ts)
                event["parent_user_id"] = root.user if root else ""
            self._outgoing.event(event)
        return message

    def _tell_change(self, message: SlackMessage, details: Json) -> None:
        self._changes.notify()
        if message.seen_by or not self._heard(message.channel):
            return
        changed: Json = {"type": "message", "ts": self._state.ts(), "hidden": True, **details}
        if details["subtype"] == "message_changed":
            changed["message"] = described(self._state, message)
        self._outgoing.event(changed | self._where(message))

    def _where(self, message: SlackMessage) -> Json:
        room = self._state.channel(message.channel)
        kind = "im" if room.im else "group" if room.is_private else "channel"
        return {"channel": message.channel, "channel_type": kind, "event_ts": message.ts}

    def _heard(self, channel: str) -> bool:
        """Whether the app is told: it is in there, and was installed so that it may read it."""
        room = self._state.channels.get(channel)
        may_read = room is not None and READING[room.kind] in self._state.config.simulator_slack_scopes
        return room is not None and BOT_USER in room.members and may_read
