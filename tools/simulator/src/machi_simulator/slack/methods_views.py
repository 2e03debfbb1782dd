"""views.*"""

from typing import Literal

import orjson

from machi_simulator.changes import Changes
from machi_simulator.ids import capitals, letters
from machi_simulator.jsontree import Json, as_object, text
from machi_simulator.slack.call import Call
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.model import Trigger, View
from machi_simulator.slack.rules_blocks import check_view
from machi_simulator.slack.state import APP_ID, BOT_ID, SlackState

MOST_STACKED = 3
MOST_BYTES = 250_000


class ViewMethods:
    """Modals and home tabs."""

    def __init__(self, state: SlackState, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    def open_modal(self, call: Call) -> Json:
        """views.open"""
        content = self._content(call, "modal")
        trigger = self._redeem(call)
        return {"view": described_view(self._state, self.put(trigger.user, content, tab=trigger.tab))}

    def push(self, call: Call) -> Json:
        """views.push"""
        content = self._content(call, "modal")
        user = self._redeem(call).user
        below = top_view(self._state, user)
        if below is None:
            raise SlackError("not_found")
        if len(stack(self._state, user)) >= MOST_STACKED:
            raise SlackError("push_limit_reached")
        return {"view": described_view(self._state, self.put(user, content, below))}

    def update(self, call: Call) -> Json:
        """views.update"""
        content = self._content(call, "modal")
        external = text(call.args, "external_id")
        found = self._state.views.get(text(call.args, "view_id")) or next(
            (view for view in self._state.views.values() if external and view.content.get("external_id") == external),
            None,
        )
        if found is None or not found.open:
            raise SlackError("not_found")
        expected = text(call.args, "hash")
        if expected and expected != found.hash:
            raise SlackError("hash_conflict")
        return {"view": described_view(self._state, self.replace(found, content))}

    def publish(self, call: Call) -> Json:
        """views.publish"""
        content = self._content(call, "home")
        user = self._state.user(text(call.args, "user_id"))
        home = home_view(self._state, user.id)
        view = self.replace(home or self._new(user.id, "home", content), content)
        return {"view": described_view(self._state, view)}

    def put(self, user: str, content: Json, below: View | None = None, tab: str = "") -> View:
        """A new modal on top of `below`, in the same tab; else alone, in this tab."""
        if below is None:
            for old in stack(self._state, user):
                self.close(old)
        view = self._new(user, "modal", content)
        view.tab = tab
        if below is not None:
            view.previous, view.root, view.tab = below.id, below.root, below.tab
        self._changes.notify()
        return self._state.views.put(view)

    def replace(self, view: View, content: Json) -> View:
        """New content for an open view."""
        view.content, view.hash, view.errors = content, self._hash(), {}
        self._changes.notify()
        return self._state.views.put(view)

    def close(self, view: View) -> None:
        """The person no longer sees it."""
        view.open = False
        self._state.views.put(view)
        self._changes.notify()

    def check(self, content: Json) -> Json:
        """A view given in answer to a submission. Raises SlackError."""
        return check_view(content, self._state.known_file)

    def _content(self, call: Call, kind: str) -> Json:
        given = call.args.get("view")
        content = as_object(given)
        if not content:
            raise SlackError("invalid_arguments", ["missing required field: view"])
        if len(orjson.dumps(content)) > MOST_BYTES:
            raise SlackError("view_too_large")
        checked = check_view(content, self._state.known_file)
        if text(checked, "type") != kind:
            raise SlackError("invalid_arguments", [f"must be of type {kind} [json-pointer:/view/type]"])
        return checked

    def _new(self, user: str, kind: Literal["modal", "home"], content: Json) -> View:
        view = View(id=capitals("V"), user=user, kind=kind, content=content, hash=self._hash())
        view.root = view.id
        return view

    def _redeem(self, call: Call) -> Trigger:
        trigger = self._state.triggers.get(text(call.args, "trigger_id") or text(call.args, "interactivity_pointer"))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if trigger.expires <= self._state.clock.now():
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return self._state.triggers.put(trigger)

    def _hash(self) -> str:
        return f"{int(self._state.clock.now())}.{letters(8)}"


def stack(state: SlackState, user: str) -> list[View]:
    """A person's open modals, the lowest first."""
    return [view for view in state.views.values() if view.user == user and view.kind == "modal" and view.open]


def top_view(state: SlackState, user: str) -> View | None:
    """The modal a person sees."""
    views = stack(state, user)
    return views[-1] if views else None


def home_view(state: SlackState, user: str) -> View | None:
    """A person's home tab, if the app published one."""
    return next((view for view in state.views.values() if view.user == user and view.kind == "home"), None)


def described_view(state: SlackState, view: View, values: Json | None = None) -> Json:
    """A view as payloads and answers show it."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
        **view.content,
        "id": view.id,
        "team_id": state.config.slack_team_id,
        "state": {"values": values or {}},
        "hash": view.hash,
        "previous_view_id": view.previous or None,
        "root_view_id": view.root or view.id,
        "app_id": APP_ID,
        "app_installed_team_id": state.config.slack_team_id,
        "bot_id": BOT_ID,
    }
