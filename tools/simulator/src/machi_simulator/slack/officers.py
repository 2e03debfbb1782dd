"""What people do in the workspace: write, press, fill in, submit, close, command."""

from dataclasses import dataclass, field

import orjson

from machi_simulator.courier import Answer
from machi_simulator.ids import capitals
from machi_simulator.jsontree import Json, as_object, child, children, text, walk
from machi_simulator.slack import forms
from machi_simulator.slack.api import SlackApi
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.escape import escape
from machi_simulator.slack.methods_conversations import check_name
from machi_simulator.slack.methods_views import described_view, home_view, top_view
from machi_simulator.slack.model import Channel, SlackMessage, SlackUser, View
from machi_simulator.slack.outgoing import Outgoing
from machi_simulator.slack.posting import Posting
from machi_simulator.slack.state import APP_ID, BOT_USER, SlackState, described

TROUBLE = "The app did not respond in time or reported an error."


class NotThereError(Exception):
    """What a person wanted to use does not exist (any more)."""


@dataclass(frozen=True)
class Pressed:
    """Which element was used: `value` picks an option of a menu or fills a picker; `tab` sees what opens."""

    action_id: str
    block_id: str = ""
    value: object = None
    filled: forms.Filled = field(default_factory=dict)
    tab: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of an interaction: did the app answer well, and errors by block of a form."""

    ok: bool
    status: int
    errors: dict[str, str] = field(default_factory=dict)


class Officers:
    """Acts of people; each that concerns the app is sent to it, signed."""

    def __init__(self, state: SlackState, posting: Posting, outgoing: Outgoing, api: SlackApi) -> None:
        self._state = state
        self._posting = posting
        self._outgoing = outgoing
        self._api = api

    def add(self, user: SlackUser) -> SlackUser:
        """A member of the workspace."""
        return self._state.users.put(user)

    def create_channel(self, user: str, name: str) -> Channel:
        """A channel made by a person: the app is no member until it joins."""
        check_name(name)
        if self._state.channel_named(name) is not None:
            raise SlackError("name_taken")
        created = int(self._state.clock.now())
        return self._state.channels.put(
            Channel(id=capitals("C"), name=name, creator=user, created=created, members=[user])
        )

    def archive(self, user: str, channel: str) -> Channel:
        """Put a channel away: it can be read, nothing is written to it any more."""
        self._state.user(user)
        room = self._state.channel(channel)
        room.archived = True
        return self._state.channels.put(room)

    def make_private(self, user: str, channel: str) -> Channel:
        """Only members see the channel from now on; the app stays in it if it is."""
        self._state.user(user)
        room = self._state.channel(channel)
        room.is_private = True
        return self._state.channels.put(room)

    def let_in(self, user: str, channel: str) -> Channel:
        """Invite the app."""
        self._state.user(user)
        room = self._state.channel(channel)
        if BOT_USER not in room.members:
            room.members.append(BOT_USER)
        return self._state.channels.put(room)

    def say(self, user: str, channel: str, words: str, thread_ts: str = "") -> SlackMessage:
        """Write to a channel, or into a thread; who writes joins."""
        room = self._room(user, channel)
        if room.archived:
            raise SlackError("is_archived")
        if user not in room.members:
            room.members.append(user)
            self._state.channels.put(room)
        return self._posting.as_person(room.id, user, escape(words), thread_ts)

    async def press(self, user: str, channel: str, ts: str, pressed: Pressed) -> Outcome:
        """Use a button or menu of a message."""
        room = self._room(user, channel)
        message = self._state.message(room.id, ts)
        if message is None or message.seen_by not in ("", user):
            raise NotThereError("there is no such message")
        body = self._frame("block_actions", user, pressed.tab) | {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel,
                "is_ephemeral": bool(message.seen_by),
            }
            | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            "channel": {"id": room.id, "name": room.name},
            "message": described(self._state, message),
            "state": {"values": forms.values(message.blocks, pressed.filled)},
            "response_url": self._state.response_url(user, channel, message.ts),
            "actions": [self._action(message.blocks, pressed)],
        }
        return self._seen(await self._outgoing.interaction(body))

    async def press_in_view(self, user: str, view_id: str, pressed: Pressed) -> Outcome:
        """Use a button or menu of a modal or of the home tab."""
        view = self._filled(user, view_id, pressed.filled)
        blocks = children(view.content, "blocks")
        shown = described_view(self._state, view, forms.values(blocks, pressed.filled))
        body = self._frame("block_actions", user, pressed.tab or view.tab) | {
            "container": {"type": "view", "view_id": view.id},
            "view": shown,
            "actions": [self._action(blocks, pressed)],
        }
        return self._seen(await self._outgoing.interaction(body))

    async def submit(self, user: str, view_id: str, filled: forms.Filled) -> Outcome:
        """Send a modal's form; what the app answers decides what is seen next."""
        view = self._filled(user, view_id, filled)
        blocks = children(view.content, "blocks")
        state = forms.values(blocks, filled)
        errors = forms.lacking(blocks, state)
        if errors:
            return self._show_errors(view, errors, 0)
        body = self._frame("view_submission", user, view.tab) | {
            "view": described_view(self._state, view, state),
            "response_urls": [],
        }
        answer = await self._outgoing.interaction(body)
        if not answer.ok:
            return self._show_errors(view, {"": TROUBLE}, answer.status)
        return self._follow(view, answer)

    async def close(self, user: str, view_id: str) -> Outcome:
        """Close a modal without sending it."""
        view = self._view(user, view_id)
        self._api.views.close(view)
        if not view.content.get("notify_on_close"):
            return Outcome(ok=True, status=0)
        body = self._frame("view_closed", user, view.tab) | {
            "view": described_view(self._state, view),
            "is_cleared": False,
        }
        return self._seen(await self._outgoing.interaction(body))

    async def command(self, user: str, channel: str, command: str, words: str, tab: str = "") -> Outcome:
        """Use a slash command; an answer with text is shown to the person, or to all, what opens in the `tab`."""
        room, person = self._room(user, channel), self._state.user(user)
        address = self._state.response_url(user, channel)
        answer = await self._outgoing.command(
            {
                "token": "legacy-verification-token",
                "team_id": self._state.config.slack_team_id,
                "team_domain": "machi",
                "channel_id": room.id,
                "channel_name": room.name,
                "user_id": user,
                "user_name": person.name,
                "command": command,
                "text": escape(words),
                "api_app_id": APP_ID,
                "is_enterprise_install": "false",
                "response_url": address,
                "trigger_id": self._state.trigger(user, tab),
            }
        )
        self._hear(address, answer)
        return self._seen(answer)

    def open_home(self, user: str) -> str:
        """Look at the app's home tab; returns the event id."""
        event: Json = {"type": "app_home_opened", "user": user, "channel": self._state.direct(user).id, "tab": "home"}
        view = home_view(self._state, user)
        if view is not None:
            event["view"] = described_view(self._state, view)
        return self._outgoing.event(event | {"event_ts": self._state.ts()})

    def _room(self, user: str, channel: str) -> Channel:
        """A channel that this person has. Raises SlackError channel_not_found."""
        room = self._state.channel(channel)
        if not room.open_to(self._state.user(user).id):
            raise SlackError("channel_not_found")
        return room

    def _hear(self, address: str, answer: Answer) -> None:
        entry = self._state.response_urls.get(address.rpartition("/")[2])
        body = _parsed(answer)
        if answer.ok and entry is not None and (body.get("text") or body.get("blocks")):
            self._api.answer_interaction(entry, body)

    def _frame(self, kind: str, user: str, tab: str = "") -> Json:
        person = self._state.user(user)
        team = self._state.config.slack_team_id
        return {
            "type": kind,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": team},
            "api_app_id": APP_ID,
            "token": "legacy-verification-token",
            "trigger_id": self._state.trigger(user, tab),
            "team": {"id": team, "domain": "machi"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _action(self, blocks: list[Json], pressed: Pressed) -> Json:
        for block in blocks:
            for element in walk({key: block[key] for key in ("elements", "accessory", "element") if key in block}):
                same_block = pressed.block_id in ("", text(block, "block_id"))
                if same_block and text(element, "action_id") == pressed.action_id:
                    return self._acted(block, element, pressed.value)
        raise NotThereError("that button is gone")

    def _acted(self, block: Json, element: Json, value: object) -> Json:
        kind = text(element, "type")
        action: Json = {
            "action_id": text(element, "action_id"),
            "block_id": text(block, "block_id"),
            "type": kind,
            "action_ts": self._state.ts(),
        }
        if kind == "button":
            return action | {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        if kind == "overflow":
            return action | {"selected_option": forms.option(element, str(value))}
        return action | forms.answered(element, value)

    def _view(self, user: str, view_id: str) -> View:
        view = self._state.views.get(view_id)
        if view is None or view.user != user or not view.open:
            raise NotThereError("there is no such view")
        return view

    def _filled(self, user: str, view_id: str, filled: forms.Filled) -> View:
        """The view with what stands in it now: whatever comes of it, the words stay."""
        view = self._view(user, view_id)
        view.filled = filled
        return self._state.views.put(view)

    def _seen(self, answer: Answer) -> Outcome:
        return Outcome(ok=answer.ok, status=answer.status, errors={} if answer.ok else {"": TROUBLE})

    def _show_errors(self, view: View, errors: dict[str, str], status: int) -> Outcome:
        view.errors = errors
        self._state.views.put(view)
        return Outcome(ok=False, status=status, errors=errors)

    def _follow(self, view: View, answer: Answer) -> Outcome:
        """Do what the answer to a submission says; only an empty one closes the modal without a word."""
        said, views, errors = _parsed(answer), self._api.views, {"": TROUBLE}
        wanted = text(said, "response_action")
        try:
            if wanted == "update":
                views.replace(view, views.check(child(said, "view")))
            elif wanted == "push":
                views.put(view.user, views.check(child(said, "view")), view)
            elif wanted == "clear":
                self._clear(view.user)
            elif not answer.body:
                views.close(view)
            else:
                given = child(said, "errors") if wanted == "errors" else {}
                errors = {block: str(what) for block, what in given.items()} or errors
                return self._show_errors(view, errors, answer.status)
        except SlackError as error:
            return self._show_errors(view, {"": f"{TROUBLE} ({error})"}, answer.status)
        return Outcome(ok=True, status=answer.status)

    def _clear(self, user: str) -> None:
        while (top := top_view(self._state, user)) is not None:
            self._api.views.close(top)


def _parsed(answer: Answer) -> Json:
    try:
        return as_object(orjson.loads(answer.body or b"{}"))
    except orjson.JSONDecodeError:
        words = answer.body.decode("utf-8", "replace").strip()
        return {"text": words} if words else {}
