"""chat.* and reactions.add."""

from machi_simulator.jsontree import Json, text
from machi_simulator.slack.call import Call
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.model import Channel, SlackMessage
from machi_simulator.slack.posting import MOST_BYTES_OF_AN_UPDATE, Posting, Written, check_content
from machi_simulator.slack.state import BOT_USER, SlackState, described


class ChatMethods:
    """Writing, changing and deleting messages."""

    def __init__(self, state: SlackState, posting: Posting) -> None:
        self._state = state
        self._posting = posting

    def post_message(self, call: Call) -> Json:
        """chat.postMessage"""
        room = self._room(call)
        written = check_content(self._state, call.args)
        message = self._posting.as_app(room.id, written, call.args)
        return {"channel": room.id, "ts": message.ts, "message": described(self._state, message)}

    def post_ephemeral(self, call: Call) -> Json:
        """chat.postEphemeral"""
        room = self._room(call)
        seen_by = text(call.args, "user")
        if self._state.users.get(seen_by) is None:
            raise SlackError("user_not_found")
        if seen_by not in room.members:
            raise SlackError("user_not_in_channel")
        written = check_content(self._state, call.args)
        message = self._posting.for_one(room.id, seen_by, written, text(call.args, "thread_ts"))
        return {"message_ts": message.ts}

    def update(self, call: Call) -> Json:
        """chat.update"""
        if self._state.channel(text(call.args, "channel")).archived:
            raise SlackError("is_inactive")
        message = self._own(call, "cant_update_message")
        written = check_content(self._state, call.args)
        if len(written.text.encode("utf-8", "surrogatepass")) > MOST_BYTES_OF_AN_UPDATE:
            raise SlackError("msg_too_long")
        if "blocks" not in call.args:
            written = Written(written.text, message.blocks)
        if _rich(message.blocks) and not _rich(written.blocks):
            raise SlackError("block_mismatch")
        self._posting.change(message, written)
        shown = described(self._state, message)
        return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}

    def delete(self, call: Call) -> Json:
        """chat.delete"""
        message = self._own(call, "cant_delete_message")
        self._posting.delete(message)
        return {"channel": message.channel, "ts": message.ts}

    def permalink(self, call: Call) -> Json:
        """chat.getPermalink"""
        message = self._message(call, text(call.args, "message_ts"))
        link = f"{self._state.base_url}/workspace/?channel={message.channel}&thread={message.root}"
        return {"channel": message.channel, "permalink": link}

    def react(self, call: Call) -> Json:
        """reactions.add"""
        message = self._message(call, text(call.args, "timestamp"))
        name = text(call.args, "name").strip(":")
        if not name:
            raise SlackError("invalid_name")
        who = message.reactions.setdefault(name, [])
        if BOT_USER in who:
            raise SlackError("already_reacted")
        who.append(BOT_USER)
        self._state.post(message)
        return {}

    def _room(self, call: Call) -> Channel:
        reference = text(call.args, "channel")
        if not reference:
            raise SlackError("channel_not_found")
        if self._state.users.get(reference) is not None:
            return self._state.direct(reference)
        room = self._state.channels.get(reference) or self._state.channel_named(reference.removeprefix("#"))
        if room is None:
            raise SlackError("channel_not_found")
        if room.archived:
            raise SlackError("is_archived")
        if BOT_USER not in room.members:
            raise SlackError("not_in_channel")
        return room

    def _message(self, call: Call, ts: str) -> SlackMessage:
        room = self._state.channel(text(call.args, "channel"))
        message = self._state.message(room.id, ts)
        if message is None or message.seen_by:
            raise SlackError("message_not_found")
        return message

    def _own(self, call: Call, refusal: str) -> SlackMessage:
        message = self._message(call, text(call.args, "ts"))
        if message.user != BOT_USER:
            raise SlackError(refusal)
        return message


def _rich(blocks: list[Json]) -> bool:
    return any(text(block, "type") == "rich_text" for block in blocks)
