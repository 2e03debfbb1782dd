"""Control endpoints about the workspace."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.requests import Request

from machi_simulator.jsontree import Json, as_object, child, children, text
from machi_simulator.slack.directs import Attached
from machi_simulator.slack.forms import Filled
from machi_simulator.slack.methods_views import home_view, stack
from machi_simulator.slack.model import SlackUser
from machi_simulator.slack.officers import Pressed
from machi_simulator.slack.service import staff
from machi_simulator.slack.state import described
from machi_simulator.world import World

Handler = Callable[[Request, Json], Awaitable[object]]
Act = Callable[[str, Json], Awaitable[object]]


class SlackControl:
    """Act as an officer; look at channels and open views."""

    def __init__(self, world: World) -> None:
        self._slack = world.slack
        self._acts: dict[str, Act] = {
            "message": self._say,
            "press": self._press,
            "submit": self._submit,
            "close": self._close,
            "command": self._command,
            "open_home": self._open_home,
            "create_channel": self._create_channel,
            "archive": self._archive,
            "make_private": self._make_private,
            "let_in": self._let_in,
            "direct": self._direct,
            "take_back": self._take_back,
            "edit": self._edit,
        }

    def endpoints(self) -> list[tuple[str, str, Handler]]:
        """Method, path, handler."""
        return [
            ("GET", "/slack/users", self.users),
            ("POST", "/slack/users", self.add_users),
            ("GET", "/slack/channels", self.channels),
            ("GET", "/slack/channels/{channel}/messages", self.messages),
            ("GET", "/slack/users/{user}/views", self.views),
            ("GET", "/slack/users/{user}/home", self.home),
            ("GET", "/slack/users/{user}/heard", self.heard),
            ("POST", "/slack/users/{user}/acts", self.act),
            ("GET", "/slack/files/{file}", self.file),
            ("POST", "/slack/raw", self.raw),
        ]

    async def users(self, _request: Request, _body: Json) -> object:
        """All members."""
        return self._slack.state.users.values()

    async def add_users(self, _request: Request, body: Json) -> object:
        """One member {"id", "name"}, or {"users": [...]}."""
        people: list[SlackUser] = staff(body if "users" in body else [body])
        return [self._slack.officers.add(user) for user in people]

    async def channels(self, _request: Request, _body: Json) -> object:
        """All channels."""
        return self._slack.state.channels.values()

    async def messages(self, request: Request, _body: Json) -> object:
        """A channel's messages, oldest first; `seen_by` marks ephemeral ones."""
        room = self._slack.state.channels.get(request.path_params["channel"])
        room = room or self._slack.state.channel_named(request.path_params["channel"])
        found = self._slack.state.history(room.id) if room else []
        return [message.model_dump() | {"shown": described(self._slack.state, message)} for message in found]

    async def views(self, request: Request, _body: Json) -> object:
        """A person's open modals, the lowest first."""
        return stack(self._slack.state, request.path_params["user"])

    async def home(self, request: Request, _body: Json) -> object:
        """A person's home tab as a list of one, or of none while the app published none."""
        found = home_view(self._slack.state, request.path_params["user"])
        return [found] if found else []

    async def heard(self, request: Request, _body: Json) -> object:
        """What the app wrote to a person in their direct conversation, oldest first."""
        return self._slack.directs.heard(request.path_params["user"])

    async def act(self, request: Request, body: Json) -> object:
        """Do something as a member: {"kind": "press", "channel", "ts", "action_id", "value"?}, …"""
        act = self._acts.get(text(body, "kind"))
        if act is None:
            raise ValueError(f"kind must be one of {', '.join(self._acts)}")
        return await act(request.path_params["user"], body)

    async def file(self, request: Request, _body: Json) -> object:
        """An uploaded file with its bytes in base64."""
        file = self._slack.state.files.get(request.path_params["file"])
        if file is None:
            raise ValueError("there is no such file")
        body = self._slack.state.journal.blob(f"slack/{file.id}") or b""
        return file.model_dump() | {"base64": base64.b64encode(body).decode()}

    async def raw(self, _request: Request, body: Json) -> object:
        """Post any body: {"target": "events" | "interactivity" | "commands", "body" or "base64", "headers"?}."""
        raw = base64.b64decode(text(body, "base64")) if "base64" in body else text(body, "body").encode()
        headers = {key: str(value) for key, value in child(body, "headers").items()}
        answer = await self._slack.events.raw(text(body, "target", "events"), raw, headers)
        return {"status": answer.status, "body": answer.body.decode("utf-8", "replace"), "error": answer.error}

    async def _say(self, user: str, body: Json) -> object:
        return self._slack.officers.say(user, text(body, "channel"), text(body, "text"), text(body, "thread_ts"))

    async def _press(self, user: str, body: Json) -> object:
        pressed = Pressed(text(body, "action_id"), text(body, "block_id"), body.get("value"), _filled(body))
        if text(body, "view"):
            return asdict(await self._slack.officers.press_in_view(user, text(body, "view"), pressed))
        return asdict(await self._slack.officers.press(user, text(body, "channel"), text(body, "ts"), pressed))

    async def _submit(self, user: str, body: Json) -> object:
        return asdict(await self._slack.officers.submit(user, text(body, "view"), _filled(body)))

    async def _close(self, user: str, body: Json) -> object:
        return asdict(await self._slack.officers.close(user, text(body, "view")))

    async def _command(self, user: str, body: Json) -> object:
        command, words = text(body, "command"), text(body, "text")
        return asdict(await self._slack.officers.command(user, text(body, "channel"), command, words))

    async def _open_home(self, user: str, _body: Json) -> object:
        return {"event": self._slack.officers.open_home(user)}

    async def _create_channel(self, user: str, body: Json) -> object:
        return self._slack.officers.create_channel(user, text(body, "name"))

    async def _archive(self, user: str, body: Json) -> object:
        return self._slack.officers.archive(user, text(body, "channel"))

    async def _make_private(self, user: str, body: Json) -> object:
        return self._slack.officers.make_private(user, text(body, "channel"))

    async def _let_in(self, user: str, body: Json) -> object:
        return self._slack.officers.let_in(user, text(body, "channel"))

    async def _direct(self, user: str, body: Json) -> object:
        files = [
            Attached(text(file, "name", "photo.jpg"), text(file, "type"), base64.b64decode(text(file, "base64")))
            for file in children(body, "files")
        ]
        return self._slack.directs.write(user, text(body, "text"), files, text(body, "thread_ts"))

    async def _take_back(self, user: str, body: Json) -> object:
        self._slack.directs.take_back(user, text(body, "ts"))
        return {}

    async def _edit(self, user: str, body: Json) -> object:
        return self._slack.directs.edit(user, text(body, "ts"), text(body, "text"))


def _filled(body: Json) -> Filled:
    return {block: as_object(answers) for block, answers in child(body, "values").items()}
