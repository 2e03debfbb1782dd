"""conversations.*"""

import re

from machi_simulator.ids import capitals
from machi_simulator.jsontree import Json, text
from machi_simulator.slack.call import Call, flag, page
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.model import Channel, SlackMessage
from machi_simulator.slack.scopes import LISTING, READING
from machi_simulator.slack.state import BOT_USER, SlackState, described, described_channel

SPECIALS = re.compile(r"[^\w-]")
MOST_INVITED = 100


class ConversationMethods:
    """Channels and what was said in them."""

    def __init__(self, state: SlackState) -> None:
        self._state = state

    def create(self, call: Call) -> Json:
        """conversations.create"""
        name = text(call.args, "name")
        check_name(name)
        if self._state.channel_named(name) is not None:
            raise SlackError("name_taken")
        room = Channel(
            id=capitals("C"),
            name=name,
            creator=BOT_USER,
            created=int(self._state.clock.now()),
            members=[BOT_USER],
            is_private=flag(call.args, "is_private"),
        )
        return {"channel": described_channel(self._state.channels.put(room))}

    def join(self, call: Call) -> Json:
        """conversations.join"""
        room = self._room(call)
        if room.is_private or room.im:
            raise SlackError("method_not_supported_for_channel_type")
        if room.archived:
            raise SlackError("is_archived")
        known = BOT_USER in room.members
        if not known:
            room.members.append(BOT_USER)
            self._state.channels.put(room)
        return {"channel": described_channel(room)} | ({"warning": "already_in_channel"} if known else {})

    def invite(self, call: Call) -> Json:
        """conversations.invite"""
        room = self._member_room(call)
        users = list(dict.fromkeys(filter(None, text(call.args, "users").split(","))))
        if not users:
            raise SlackError("no_user")
        if len(users) > MOST_INVITED:
            raise SlackError("too_many_users")
        refused = {user: why for user in users if (why := self._refusal(user))}
        if refused and (len(refused) == len(users) or not flag(call.args, "force")):
            raise SlackError(next(iter(refused.values())), people=refused)
        room.members += [user for user in users if user not in refused and user not in room.members]
        self._state.channels.put(room)
        return {"channel": described_channel(room)}

    def list_all(self, call: Call) -> Json:
        """conversations.list"""
        kinds = {kind.strip() for kind in (text(call.args, "types") or "public_channel").split(",")}
        if not kinds <= set(LISTING):
            raise SlackError("invalid_types")
        self._state.require(*(LISTING[kind] for kind in kinds))
        rooms = [room for room in self._state.channels.values() if room.kind in kinds and room.open_to(BOT_USER)]
        if flag(call.args, "exclude_archived"):
            rooms = [room for room in rooms if not room.archived]
        rows, cursor = page([described_channel(room) for room in rooms], call.args)
        return {"channels": rows, "response_metadata": {"next_cursor": cursor}}

    def info(self, call: Call) -> Json:
        """conversations.info"""
        return {"channel": described_channel(self._room(call))}

    def members(self, call: Call) -> Json:
        """conversations.members"""
        rows, cursor = page([{"id": member} for member in self._room(call).members], call.args)
        return {"members": [row["id"] for row in rows], "response_metadata": {"next_cursor": cursor}}

    def open_direct(self, call: Call) -> Json:
        """conversations.open"""
        users = text(call.args, "users")
        if not users:
            raise SlackError("users_list_not_supplied")
        if "," in users:
            raise SlackError("not_enabled", ["group conversations are not simulated"])
        room = self._state.direct(self._state.user(users).id)
        return {"channel": described_channel(room) if flag(call.args, "return_im") else {"id": room.id}}

    def history(self, call: Call) -> Json:
        """conversations.history"""
        room = self._read_room(call)
        found = [message for message in self._state.history(room.id) if not message.seen_by and not message.thread_ts]
        return self._messages(found[::-1], call.args)

    def replies(self, call: Call) -> Json:
        """conversations.replies"""
        room = self._read_room(call)
        message = self._state.message(room.id, text(call.args, "ts"))
        if message is None:
            raise SlackError("thread_not_found")
        found = [each for each in self._state.thread(room.id, message.root) if not each.seen_by]
        return self._messages(found, call.args)

    def _messages(self, found: list[SlackMessage], args: Json) -> Json:
        oldest, latest = float(text(args, "oldest") or "0"), float(text(args, "latest") or "9999999999.0")
        within = [message for message in found if oldest <= float(message.ts) <= latest]
        shown, cursor = page(within, args, 999)
        rows = [described(self._state, message) for message in shown]
        return {"messages": rows, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}

    def _refusal(self, user: str) -> str:
        if user == BOT_USER:
            return "cant_invite_self"
        return "" if self._state.users.get(user) else "user_not_found"

    def _room(self, call: Call) -> Channel:
        room = self._state.channel(text(call.args, "channel"))
        if not room.open_to(BOT_USER):
            raise SlackError("channel_not_found")
        return room

    def _read_room(self, call: Call) -> Channel:
        room = self._member_room(call)
        self._state.require(READING[room.kind])
        return room

    def _member_room(self, call: Call) -> Channel:
        room = self._room(call)
        if BOT_USER not in room.members:
            raise SlackError("not_in_channel")
        return room


def check_name(name: str) -> None:
    """Refuse a channel name Slack would refuse. Raises SlackError."""
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > 80:
        raise SlackError("invalid_name_maxlength")
    if not re.search(r"\w", name):
        raise SlackError("invalid_name_punctuation")
    if SPECIALS.search(name) or name != name.lower():
        raise SlackError("invalid_name_specials")
