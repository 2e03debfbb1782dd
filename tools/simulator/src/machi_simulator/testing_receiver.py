"""An app's side of the webhooks, for tests: takes down what comes and answers as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from machi_simulator.jsontree import Json, as_object, as_objects


@dataclass(frozen=True)
class Hook:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The JSON body; of an interaction, its payload."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            form = dict(parse_qsl(self.body.decode(), keep_blank_values=True))
            return as_object(orjson.loads(form["payload"])) if "payload" in form else dict(form)
        return as_object(orjson.loads(self.body))

    @property
    def events(self) -> list[Json]:
        """LINE's events."""
        return as_objects(self.json.get("events"))


@dataclass
class Receiver:
    """What came, and what to answer: `answers` are used up in order, then 200 with an empty body."""

    url: str = ""
    hooks: list[Hook] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    hold: float = 0.0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one webhook."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.hooks.append(Hook(request.path, headers, await request.read()))
        if self.hold:
            await asyncio.sleep(self.hold)
        status, body = self.answers.pop(0) if self.answers else (200, "")
        return web.Response(status=status, text=body, content_type="application/json")

    def at(self, path: str) -> list[Hook]:
        """Webhooks that came to a path."""
        return [hook for hook in self.hooks if hook.path == path]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}"
    yield receiver
    await runner.cleanup()
