"""Control endpoints about LINE's residents."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.requests import Request

from machi_simulator.jsontree import Json, as_objects, child, text
from machi_simulator.line.buttons import usable
from machi_simulator.line.residents import Sent, Upload
from machi_simulator.world import World

Handler = Callable[[Request, Json], Awaitable[object]]
Act = Callable[[str, Json], Sent | list[Sent]]


class LineControl:
    """Act as a resident; look at chats."""

    def __init__(self, world: World) -> None:
        self._line = world.line
        people = world.line.residents
        self._acts: dict[str, Act] = {
            "follow": lambda user, _: people.follow(user),
            "block": lambda user, _: people.block(user),
            "text": lambda user, body: people.say(user, text(body, "text")),
            "sticker": lambda user, _: people.stick(user),
            "location": people.locate,
            "upload": lambda user, body: people.upload(user, _upload(body)),
            "upload_together": lambda user, body: people.upload_together(
                user, [_upload(each) for each in as_objects(body.get("photos"))]
            ),
            "unsend": lambda user, body: people.unsend(user, text(body, "message")),
            "press": lambda user, body: people.press_labelled(user, text(body, "label"), text(body, "value")),
            "postback": lambda user, body: people.postback(user, child(body, "action"), child(body, "params")),
        }

    def endpoints(self) -> list[tuple[str, str, Handler]]:
        """Method, path, handler."""
        return [
            ("GET", "/line/residents", self.residents),
            ("POST", "/line/residents", self.create),
            ("GET", "/line/residents/{user}", self.resident),
            ("GET", "/line/residents/{user}/messages", self.messages),
            ("GET", "/line/residents/{user}/buttons", self.buttons),
            ("POST", "/line/residents/{user}/acts", self.act),
            ("POST", "/line/media/{message}/expire", self.expire),
            ("GET", "/line/console", self.console),
            ("POST", "/line/console", self.set_console),
            ("POST", "/line/raw", self.raw),
        ]

    async def residents(self, _request: Request, _body: Json) -> object:
        """All residents."""
        return self._line.state.residents.values()

    async def create(self, _request: Request, body: Json) -> object:
        """A new resident: {"name", "language"?, "id"?}."""
        people = self._line.residents
        return people.create(text(body, "name", "Resident"), text(body, "language"), text(body, "id"))

    async def resident(self, request: Request, _body: Json) -> object:
        """One resident with the rich menu they see."""
        person = self._line.residents.find(request.path_params["user"])
        menu = self._line.state.menu_of(person)
        return person.model_dump() | {"menu": menu.request | {"richMenuId": menu.id} if menu else None}

    async def messages(self, request: Request, _body: Json) -> object:
        """A chat, oldest first."""
        return self._line.state.chat(request.path_params["user"])

    async def buttons(self, request: Request, _body: Json) -> object:
        """What can be pressed now: quick replies, messages from the newest, the menu."""
        person = self._line.residents.find(request.path_params["user"])
        found = usable(self._line.state, person)
        return [{"ref": each.ref, "label": each.label, "kind": each.kind, "action": each.action} for each in found]

    async def act(self, request: Request, body: Json) -> object:
        """Do something as a resident: {"kind": "text", "text": …}, see the table of acts."""
        act = self._acts.get(text(body, "kind"))
        if act is None:
            raise ValueError(f"kind must be one of {', '.join(self._acts)}")
        done = act(request.path_params["user"], body)
        return [asdict(each) for each in done] if isinstance(done, list) else asdict(done)

    async def expire(self, request: Request, _body: Json) -> object:
        """Let the content of a message expire on the data host."""
        media = self._line.state.media.get(request.path_params["message"])
        if media is None:
            raise ValueError("that message has no content")
        media.expired = True
        return self._line.state.media.put(media)

    async def console(self, _request: Request, _body: Json) -> object:
        """What LINE's console says about webhooks; its interface tells no one about redelivery."""
        webhook = self._line.webhook
        return {"endpoint": webhook.url, "use": webhook.active, "redelivery": webhook.redelivers}

    async def set_console(self, request: Request, body: Json) -> object:
        """Change them: {"endpoint"?, "use"?, "redelivery"?}."""
        for switch in ("use", "redelivery"):
            if switch in body:
                self._line.state.set(f"webhook_{switch}", "on" if body[switch] else "off")
        if "endpoint" in body:
            self._line.state.set("webhook", text(body, "endpoint"))
        return await self.console(request, body)

    async def raw(self, _request: Request, body: Json) -> object:
        """Post any body to the webhook: {"body" or "base64", "headers"?}; signed unless a header says otherwise."""
        raw = base64.b64decode(text(body, "base64")) if "base64" in body else text(body, "body").encode()
        headers = {key: str(value) for key, value in child(body, "headers").items()}
        answer = await self._line.webhook.raw(raw, headers)
        return {"status": answer.status, "body": answer.body.decode("utf-8", "replace"), "error": answer.error}


def _upload(body: Json) -> Upload:
    return Upload(base64.b64decode(text(body, "base64")), text(body, "content_type", "image/jpeg"), text(body, "name"))
