"""The door of both platforms: notes every API request and applies the faults planned for it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from machi_simulator.calls import ApiCall, Calls, Verdict
from machi_simulator.clock import Clock
from machi_simulator.faults import Fault, Faults
from machi_simulator.jsontree import Json, as_object, text

NEVER = 24 * 3600.0
KEPT_HEADERS = ("x-line-retry-key", "content-type", "user-agent")
PLATFORM_OF: dict[str, Literal["line", "slack"]] = {"/line/": "line", "/line-data/": "line", "/slack/": "slack"}


@dataclass
class Exchange:
    """One request and the answer the platform gave to it."""

    scope: Scope
    receive: Receive
    send: Send
    body: bytes = b""
    status: int = 0
    answer: bytearray = field(default_factory=bytearray)
    messages: list[Message] = field(default_factory=list)

    async def read(self) -> None:
        """Take in the whole request body."""
        more = True
        while more:
            message = await self.receive()
            self.body += message.get("body", b"")
            more = bool(message.get("more_body"))

    async def run(self, app: ASGIApp) -> None:
        """Let the platform handle the request; its answer is kept, not sent."""
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await self.receive()
            given = True
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def keep(message: Message) -> None:
            self.messages.append(message)
            if message["type"] == "http.response.start":
                self.status = message["status"]
            self.answer += message.get("body", b"")

        await app(self.scope, replay, keep)

    async def answer_now(self) -> None:
        """Send the kept answer."""
        for message in self.messages:
            await self.send(message)

    async def cut(self) -> None:
        """Break the connection without an answer."""
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        if transport is None:
            return
        transport.abort()
        while (await self.receive())["type"] != "http.disconnect":
            continue

    async def hang(self, seconds: float) -> bool:
        """Keep the client waiting; True if it is still there afterwards."""
        try:
            await asyncio.wait_for(self._gone(), seconds)
        except TimeoutError:
            return True
        return False

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            continue


class Gate:
    """Outermost ASGI layer (it needs the server's own transport); only the platforms' API paths are concerned."""

    def __init__(self, app: ASGIApp, calls: Calls, faults: Faults, clock: Clock) -> None:
        self._app = app
        self._calls = calls
        self._faults = faults
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        platform = _platform(scope)
        if platform is None:
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        await exchange.read()
        at = self._clock.now()
        fault = self._faults.take(scope["path"])
        if fault is not None and fault.kind in ("status", "reset"):
            self._note(platform, at, exchange, fault)
            await _refuse(exchange, fault, platform)
            return
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
        await exchange.run(self._app)
        self._note(platform, at, exchange, fault)
        await _deliver(exchange, fault)

    def _note(self, platform: Literal["line", "slack"], at: float, exchange: Exchange, fault: Fault | None) -> None:
        before = fault is not None and fault.kind in ("status", "reset")
        verdict, reason = _judge(platform, exchange)
        if before and fault is not None:
            exchange.status = fault.status if fault.kind == "status" else 0
            verdict, reason = "fault", fault.kind
        elif fault is not None:
            reason = f"{fault.kind}: {reason}" if reason else fault.kind
        self._calls.add(
            ApiCall(
                id=self._calls.next_id(),
                at=at,
                platform=platform,
                method=exchange.scope["method"],
                path=exchange.scope["path"],
                status=exchange.status,
                verdict=verdict,
                reason=reason,
                effect=verdict == "accepted",
                headers=_headers(exchange.scope),
                body=_readable(exchange.body, _headers(exchange.scope).get("content-type", "")),
            )
        )


def _platform(scope: Scope) -> Literal["line", "slack"] | None:
    if scope["type"] != "http":
        return None
    path = str(scope["path"])
    return next((name for prefix, name in PLATFORM_OF.items() if path.startswith(prefix)), None)


async def _refuse(exchange: Exchange, fault: Fault, platform: str) -> None:
    if fault.kind == "reset":
        await exchange.cut()
        return
    limited = fault.status == 429
    if platform == "line":
        body: Json = {"message": "The API rate limit has been exceeded. Try again later." if limited else "Error"}
    else:
        body = {"ok": False, "error": "ratelimited" if limited else "internal_error"}
    headers = [(b"content-type", b"application/json")]
    if limited and platform == "slack":
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await exchange.send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": orjson.dumps(body)})


async def _deliver(exchange: Exchange, fault: Fault | None) -> None:
    if fault is not None and fault.kind == "accept_then_reset":
        await exchange.cut()
    elif fault is not None and fault.kind == "accept_then_hang":
        if await exchange.hang(fault.ms / 1000 if fault.ms else NEVER):
            await exchange.answer_now()
    else:
        await exchange.answer_now()


def _judge(platform: str, exchange: Exchange) -> tuple[Verdict, str]:
    answer: Json = {}
    with suppress(orjson.JSONDecodeError):
        answer = as_object(orjson.loads(bytes(exchange.answer) or b"{}"))
    if platform == "slack" and exchange.status < 300:
        refused = answer.get("ok") is False
        return ("refused", text(answer, "error") + _details(answer)) if refused else ("accepted", "")
    if exchange.status < 300:
        return "accepted", ""
    return "refused", (text(answer, "message") or text(answer, "error")) + _details(answer)


def _details(answer: Json) -> str:
    found = answer.get("details") or as_object(answer.get("response_metadata")).get("messages")
    return f" {orjson.dumps(found).decode()}" if found else ""


def _headers(scope: Scope) -> dict[str, str]:
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return {name: value for name, value in pairs if name in KEPT_HEADERS}


def _readable(body: bytes, content_type: str) -> Json:
    if content_type.startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return {name: _inner(value) for name, value in form.items() if name != "token"}
    try:
        return {name: value for name, value in as_object(orjson.loads(body)).items() if name != "token"}
    except orjson.JSONDecodeError:
        return {"bytes": len(body)} if body else {}


def _inner(value: str) -> object:
    if not value.startswith(("[", "{")):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
