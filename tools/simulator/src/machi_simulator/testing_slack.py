"""The testing client's side of Slack: act as members, look at channels and modals."""

import base64

from pydantic import BaseModel, Field, TypeAdapter

from machi_simulator.jsontree import Json
from machi_simulator.slack.model import Channel, SlackFile, SlackMessage, SlackUser, View
from machi_simulator.testing_wire import RawAnswer, Wire


class Result(BaseModel):
    """What came of an interaction: did the app answer well, and errors by block of a form."""

    ok: bool
    status: int
    errors: dict[str, str] = Field(default_factory=dict)


class StoredFile(SlackFile):
    """A file with its bytes in base64."""

    base64: str

    @property
    def body(self) -> bytes:
        """The bytes."""
        return base64.b64decode(self.base64)


class SlackSide:
    """Members, channels, and what they see."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def add_user(self, user: str, name: str) -> None:
        """A member of the workspace."""
        await self._wire.post("/slack/users", {"id": user, "name": name})

    async def users(self) -> list[SlackUser]:
        """All members."""
        return TypeAdapter(list[SlackUser]).validate_python(await self._wire.get("/slack/users"))

    async def channels(self) -> list[Channel]:
        """All channels."""
        return TypeAdapter(list[Channel]).validate_python(await self._wire.get("/slack/channels"))

    async def channel(self, name: str) -> Channel | None:
        """The channel of this name."""
        return next((channel for channel in await self.channels() if channel.name == name), None)

    async def create_channel(self, user: str, name: str) -> Channel:
        """A channel made by a member; the app is not in it."""
        return Channel.model_validate(await self._act(user, {"kind": "create_channel", "name": name}))

    async def archive(self, user: str, channel: str) -> None:
        """Put a channel away."""
        await self._act(user, {"kind": "archive", "channel": channel})

    async def make_private(self, user: str, channel: str) -> None:
        """Show a channel to its members only."""
        await self._act(user, {"kind": "make_private", "channel": channel})

    async def let_in(self, user: str, channel: str) -> None:
        """Invite the app into a channel."""
        await self._act(user, {"kind": "let_in", "channel": channel})

    async def messages(self, channel: str) -> list[SlackMessage]:
        """A channel's messages (by id or name), oldest first, threads and ephemeral ones too."""
        answer = await self._wire.get(f"/slack/channels/{channel}/messages")
        return TypeAdapter(list[SlackMessage]).validate_python(answer)

    async def views(self, user: str) -> list[View]:
        """A member's open modals, the lowest first."""
        return TypeAdapter(list[View]).validate_python(await self._wire.get(f"/slack/users/{user}/views"))

    async def home(self, user: str) -> View | None:
        """A member's home tab, if the app published one."""
        found = TypeAdapter(list[View]).validate_python(await self._wire.get(f"/slack/users/{user}/home"))
        return found[0] if found else None

    async def file(self, file: str) -> StoredFile:
        """An uploaded file with its bytes."""
        return StoredFile.model_validate(await self._wire.get(f"/slack/files/{file}"))

    async def say(self, user: str, channel: str, words: str, thread_ts: str = "") -> SlackMessage:
        """Write to a channel or thread."""
        body: Json = {"kind": "message", "channel": channel, "text": words, "thread_ts": thread_ts}
        return SlackMessage.model_validate(await self._act(user, body))

    async def direct(
        self, user: str, words: str = "", *files: tuple[str, str, bytes], thread_ts: str = ""
    ) -> SlackMessage:
        """Write to the app, perhaps in a thread; `files` are (name, content type, bytes)."""
        attached = [{"name": n, "type": kind, "base64": base64.b64encode(body).decode()} for n, kind, body in files]
        body: Json = {"kind": "direct", "text": words, "files": attached, "thread_ts": thread_ts}
        return SlackMessage.model_validate(await self._act(user, body))

    async def take_back(self, user: str, message: SlackMessage) -> None:
        """Delete one's own message to the app."""
        await self._act(user, {"kind": "take_back", "ts": message.ts})

    async def edit(self, user: str, message: SlackMessage, words: str) -> None:
        """Give one's own message to the app other words."""
        await self._act(user, {"kind": "edit", "ts": message.ts, "text": words})

    async def heard(self, user: str) -> list[SlackMessage]:
        """What the app wrote to a person directly, oldest first."""
        return TypeAdapter(list[SlackMessage]).validate_python(await self._wire.get(f"/slack/users/{user}/heard"))

    async def press(
        self,
        user: str,
        message: SlackMessage,
        action_id: str,
        value: str | None = None,
        ticked: dict[str, dict[str, object]] | None = None,
    ) -> Result:
        """Use a button or menu of a message; `value` is an option's value, `ticked` fills boxes by block and action."""
        body: Json = {"kind": "press", "channel": message.channel, "ts": message.ts, "action_id": action_id}
        return Result.model_validate(await self._act(user, body | {"value": value, "values": ticked or {}}))

    async def press_in_view(self, user: str, view: View, action_id: str, value: str | None = None) -> Result:
        """Use a button or menu of a modal."""
        body: Json = {"kind": "press", "view": view.id, "action_id": action_id, "value": value}
        return Result.model_validate(await self._act(user, body))

    async def submit(self, user: str, view: View, values: dict[str, dict[str, object]]) -> Result:
        """Send a modal's form: answers by block id, then action id; choices by option value."""
        return Result.model_validate(await self._act(user, {"kind": "submit", "view": view.id, "values": dict(values)}))

    async def close(self, user: str, view: View) -> Result:
        """Close a modal."""
        return Result.model_validate(await self._act(user, {"kind": "close", "view": view.id}))

    async def command(self, user: str, channel: str, command: str, words: str = "") -> Result:
        """Use a slash command."""
        body: Json = {"kind": "command", "channel": channel, "command": command, "text": words}
        return Result.model_validate(await self._act(user, body))

    async def open_home(self, user: str) -> None:
        """Look at the app's home tab."""
        await self._act(user, {"kind": "open_home"})

    async def raw(self, target: str, body: bytes, headers: dict[str, str] | None = None) -> RawAnswer:
        """Post any bytes to `events`, `interactivity` or `commands`, signed unless `headers` says otherwise."""
        encoded = base64.b64encode(body).decode()
        sent: Json = {"target": target, "base64": encoded, "headers": dict(headers or {})}
        return RawAnswer.model_validate(await self._wire.post("/slack/raw", sent))

    async def _act(self, user: str, body: Json) -> object:
        return await self._wire.post(f"/slack/users/{user}/acts", body)
