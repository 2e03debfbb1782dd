"""Sending: reply, push, multicast, and LINE's ways to validate without sending."""

import re
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from machi_simulator.changes import Changes
from machi_simulator.jsontree import Json, as_list, children, text
from machi_simulator.line.door import Door, answer, read_json
from machi_simulator.line.errors import LineError, Problem, invalid
from machi_simulator.line.model import RetryEntry
from machi_simulator.line.rules import check_messages, check_request
from machi_simulator.line.state import LineState

KEY_LIFE = 24 * 3600.0
USER_ID = re.compile(r"U[0-9a-f]{32}")
RETRY_HEADER = "x-line-retry-key"


class MessagesApi:
    """The message endpoints."""

    def __init__(self, state: LineState, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    def routes(self, door: Door) -> list[BaseRoute]:
        """Endpoints with their rates per second."""
        found = [
            door.route("POST", "/v2/bot/message/reply", self.reply),
            door.route("POST", "/v2/bot/message/push", self.push),
            door.route("POST", "/v2/bot/message/multicast", self.multicast, per_second=200),
        ]
        return found + [
            door.route("POST", f"/v2/bot/message/validate/{kind}", self.validate)
            for kind in ("reply", "push", "multicast", "narrowcast", "broadcast")
        ]

    async def reply(self, request: Request) -> Response:
        """Answer an event: its token is good once and for a minute."""
        if RETRY_HEADER in request.headers:
            raise LineError(400, "The retry key is not supported by this API")
        body = await read_json(request)
        check_request("ReplyMessageRequest", body)
        token = self._state.tokens.get(text(body, "replyToken"))
        if token is None or token.used or token.expires <= self._state.clock.now():
            raise LineError(400, "Invalid reply token")
        token.used = True
        self._state.tokens.put(token)
        sent = self._state.deliver(token.resident, children(body, "messages"), "reply")
        self._changes.notify()
        return answer({"sentMessages": sent})

    async def push(self, request: Request) -> Response:
        """Write to one person."""
        key = self._retry_key(request)
        body = await read_json(request)
        check_request("PushMessageRequest", body)
        to = text(body, "to")
        if not USER_ID.fullmatch(to):
            raise LineError(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        if self._state.residents.get(to) is None:
            raise LineError(400, "Failed to send messages")
        self._refuse_known(key)
        sent = self._state.deliver(to, children(body, "messages"), "push")
        self._remember(key, request, sent)
        return answer({"sentMessages": sent})

    async def multicast(self, request: Request) -> Response:
        """Write the same to up to 500 people; unknown ids are passed over."""
        key = self._retry_key(request)
        body = await read_json(request)
        to = as_list(body.get("to"))
        if not 1 <= len(to) <= 500:
            raise invalid([Problem("to", "Size must be between 1 and 500")])
        check_request("MulticastRequest", body)
        wrong = [at for at, person in enumerate(to) if not USER_ID.fullmatch(str(person))]
        if wrong:
            raise LineError(400, f"The property, 'to[{wrong[0]}]', in the request body is invalid (line: -, column: -)")
        self._refuse_known(key)
        for person in dict.fromkeys(map(str, to)):
            if self._state.residents.get(person) is not None:
                self._state.deliver(person, children(body, "messages"), "multicast")
        self._remember(key, request, [])
        return answer({})

    async def validate(self, request: Request) -> Response:
        """Say whether messages would be taken."""
        body = await read_json(request)
        messages = children(body, "messages")
        if not 1 <= len(messages) <= 5:
            raise invalid([Problem("messages", "Size must be between 1 and 5")])
        check_messages(messages)
        return answer({})

    def _retry_key(self, request: Request) -> str:
        key = request.headers.get(RETRY_HEADER)
        if key is None:
            return ""
        try:
            return str(UUID(key)) if len(key) == 36 else _bad_key()
        except ValueError:
            return _bad_key()

    def _refuse_known(self, key: str) -> None:
        entry = self._state.retries.get(key)
        if entry is None or entry.at + KEY_LIFE <= self._state.clock.now():
            return
        error = LineError(409, "The retry key is already accepted")
        error.headers["x-line-accepted-request-id"] = entry.request_id
        if entry.sent:
            error.extra["sentMessages"] = entry.sent
        raise error

    def _remember(self, key: str, request: Request, sent: list[Json]) -> None:
        if key:
            entry = RetryEntry(
                id=key,
                path=request.url.path,
                at=self._state.clock.now(),
                request_id=request.state.request_id,
                sent=sent,
            )
            self._state.retries.put(entry)
        self._changes.notify()


def _bad_key() -> str:
    raise LineError(400, "The retry key is invalid: it must be a UUID in hexadecimal")
