"""What every LINE endpoint has in common: the bearer token, a request id, rates, errors in LINE's shape."""

import secrets
from collections.abc import Awaitable, Callable
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from machi_simulator.jsontree import Json
from machi_simulator.line.errors import LineError
from machi_simulator.rates import Rates

Handler = Callable[[Request], Awaitable[Response]]
UNAUTHORISED = (
    "Authentication failed due to the following reason: invalid token. "
    "Confirm that the access token in the authorization header is valid."
)


def answer(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


async def read_json(request: Request) -> Json:
    """The request's JSON object. Raises LineError as LINE refuses other bodies."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise LineError(415, "Unsupported Media Type")
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        place = f"(line: {error.lineno}, column: {error.colno})"
        raise LineError(400, f"The request body could not be parsed as JSON {place}") from error
    if not isinstance(body, dict):
        raise LineError(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
    return body


class Door:
    """Makes routes whose handlers may raise LineError."""

    def __init__(self, token: str, rates: Rates) -> None:
        self._token = token
        self._rates = rates

    def route(
        self, method: str, path: str, handler: Handler, *, per_second: float = 2000, burst: float | None = None
    ) -> BaseRoute:
        """A guarded route; `burst` defaults to one second's worth."""
        key = f"line {method} {path}"

        async def guarded(request: Request) -> Response:
            request.state.request_id = str(uuid4())
            try:
                self._admit(request, key, per_second, burst or per_second)
                response = await handler(request)
            except LineError as error:
                response = answer(error.body(), error.status, error.headers)
            response.headers["x-line-request-id"] = request.state.request_id
            return response

        return Route(path, guarded, methods=[method], name=key)

    def shared(self, method: str, path: str, handler: Handler, per_hour: float) -> BaseRoute:
        """A guarded route of an hourly allowance."""
        return self.route(method, path, handler, per_second=per_hour / 3600, burst=per_hour)

    def _admit(self, request: Request, key: str, per_second: float, burst: float) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            raise LineError(401, UNAUTHORISED)
        if self._rates.take(key, per_second, burst):
            raise LineError(429, "The API rate limit has been exceeded. Try again later.")
