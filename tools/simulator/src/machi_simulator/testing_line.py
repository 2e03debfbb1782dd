"""The testing client's side of LINE: act as residents, look at their chats."""

import base64

from pydantic import BaseModel, TypeAdapter

from machi_simulator.jsontree import Json
from machi_simulator.line.model import ChatMessage, Resident
from machi_simulator.testing_wire import RawAnswer, Wire


class Acted(BaseModel):
    """The webhookEventId of an act, and the message id where it was a message."""

    event: str
    message: str = ""


class ShownButton(BaseModel):
    """Something a resident can press now."""

    ref: str
    label: str
    kind: str
    action: dict[str, object]


class SeenResident(Resident):
    """A resident with the rich menu they see."""

    menu: dict[str, object] | None = None


class LineSide:
    """Residents and what they see."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create(self, name: str = "住民", language: str = "") -> str:
        """A new resident; returns the user id."""
        answer = await self._wire.post("/line/residents", {"name": name, "language": language})
        return Resident.model_validate(answer).id

    async def resident(self, user: str) -> SeenResident:
        """One resident as they are now."""
        return SeenResident.model_validate(await self._wire.get(f"/line/residents/{user}"))

    async def chat(self, user: str) -> list[ChatMessage]:
        """All bubbles of a chat, oldest first."""
        answer = await self._wire.get(f"/line/residents/{user}/messages")
        return TypeAdapter(list[ChatMessage]).validate_python(answer)

    async def heard(self, user: str, after: str = "0") -> list[ChatMessage]:
        """What the account sent, after the message of id `after`."""
        return [each for each in await self.chat(user) if each.sender == "account" and int(each.id) > int(after)]

    async def buttons(self, user: str) -> list[ShownButton]:
        """What can be pressed now: quick replies, then messages from the newest, then the menu."""
        answer = await self._wire.get(f"/line/residents/{user}/buttons")
        return TypeAdapter(list[ShownButton]).validate_python(answer)

    async def follow(self, user: str) -> Acted:
        """Add (or unblock) the account."""
        return await self._act(user, {"kind": "follow"})

    async def block(self, user: str) -> Acted:
        """Block the account."""
        return await self._act(user, {"kind": "block"})

    async def say(self, user: str, words: str) -> Acted:
        """Send a text."""
        return await self._act(user, {"kind": "text", "text": words})

    async def stick(self, user: str) -> Acted:
        """Send a sticker."""
        return await self._act(user, {"kind": "sticker"})

    async def locate(self, user: str, latitude: float, longitude: float, address: str = "") -> Acted:
        """Send a place."""
        place: Json = {"latitude": latitude, "longitude": longitude, "address": address}
        return await self._act(user, {"kind": "location", **place})

    async def upload(self, user: str, body: bytes, content_type: str = "image/jpeg", name: str = "") -> Acted:
        """Send a photo, video, audio or file."""
        encoded = base64.b64encode(body).decode()
        return await self._act(user, {"kind": "upload", "base64": encoded, "content_type": content_type, "name": name})

    async def upload_together(self, user: str, bodies: list[bytes]) -> list[Acted]:
        """Send photos in one go."""
        photos = [{"base64": base64.b64encode(body).decode()} for body in bodies]
        answer = await self._wire.post(f"/line/residents/{user}/acts", {"kind": "upload_together", "photos": photos})
        return TypeAdapter(list[Acted]).validate_python(answer)

    async def unsend(self, user: str, message: str) -> Acted:
        """Take an own message back."""
        return await self._act(user, {"kind": "unsend", "message": message})

    async def press(self, user: str, label: str, value: str = "") -> Acted:
        """Press the newest button of this label; `value` is the date or time picked."""
        return await self._act(user, {"kind": "press", "label": label, "value": value})

    async def postback(self, user: str, data: str, params: Json | None = None) -> Acted:
        """Send a postback of any data, as an old button would."""
        return await self._act(user, {"kind": "postback", "action": {"data": data}, "params": params or {}})

    async def console(self, **changes: str | bool) -> dict[str, object]:
        """LINE's console: `endpoint` (empty: the configured one), `use`, `redelivery`; returns all three."""
        if changes:
            await self._wire.post("/line/console", dict(changes))
        return TypeAdapter(dict[str, object]).validate_python(await self._wire.get("/line/console"))

    async def expire(self, message: str) -> None:
        """Let a message's content expire."""
        await self._wire.post(f"/line/media/{message}/expire", {})

    async def raw(self, body: bytes, headers: dict[str, str] | None = None) -> RawAnswer:
        """Post any bytes to the webhook, signed unless `headers` has an own x-line-signature."""
        encoded = base64.b64encode(body).decode()
        sent: Json = {"base64": encoded, "headers": dict(headers or {})}
        return RawAnswer.model_validate(await self._wire.post("/line/raw", sent))

    async def _act(self, user: str, body: Json) -> Acted:
        return Acted.model_validate(await self._wire.post(f"/line/residents/{user}/acts", body))
