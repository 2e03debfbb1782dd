"""The pod's HTTP surface: health, metrics, and the routes it adds; errors as problem details (RFC 9457)."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from machi_sdk.errors import Conflict, Denied, Invalid, MachiError, Missing, Unavailable
from machi_sdk.health import Health
from machi_sdk.settings import EVERYWHERE, host_and_port
from machi_sdk.telemetry import histogram

Endpoint = Callable[[Request], Awaitable[Response]]
HTTP_STATUS: dict[type[MachiError], int] = {Invalid: 400, Missing: 404, Conflict: 409, Denied: 403, Unavailable: 503}


def json_response(content: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def status_of(error: MachiError) -> int:
    """The HTTP status of an error."""
    return next(status for kind, status in HTTP_STATUS.items() if isinstance(error, kind))


def problem(error: MachiError) -> Response:
    """The problem document of an error."""
    status = status_of(error)
    body = {"type": f"urn:machi:{error.slug}", "title": error.slug, "status": status, "detail": error.message}
    return Response(orjson.dumps(body), status, media_type="application/problem+json")


async def bounded_body(request: Request, limit: int) -> bytes | None:
    """The raw body, or None when it is longer than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


# Longer than what stands before a pod keeps an idle connection (nginx: a minute): who closes first loses no request.
_KEEP_ALIVE_SECONDS = 75


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals to the pod, whose drain is ordered."""
        yield


class HttpServer:
    """uvicorn beside the other servers."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._routes: list[Route] = [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    def add(self, path: str, endpoint: Endpoint, methods: Sequence[str]) -> None:
        """Add a route; before `start`."""

        async def answer(request: Request) -> Response:
            started, status = time.perf_counter(), 500
            try:
                response = await endpoint(request)  # a callable object would be taken for an ASGI app
                status = response.status_code
                return response
            except MachiError as error:
                status = status_of(error)
                raise
            finally:
                seconds = time.perf_counter() - started
                histogram("machi_http_server_seconds").labels(path, str(status)).observe(seconds)

        self._routes.append(Route(path, answer, methods=list(methods)))

    async def start(self, address: str) -> None:
        """Listen; OSError when the port is taken."""
        host, port = host_and_port(address)
        listening = _listen(host, port)
        listening.set_inheritable(True)
        self.port = listening.getsockname()[1]
        app = Starlette(
            routes=self._routes, exception_handlers={MachiError: _as_problem, HTTPException: _as_plain_problem}
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=5,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            server_header=False,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([listening]))
        listens = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait([listens, self._task], return_when=asyncio.FIRST_COMPLETED)

    async def drain(self) -> None:
        """Finish the present requests and stop listening."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    async def _livez(self, _request: Request) -> Response:
        return Response(b"ok", media_type="text/plain")

    async def _readyz(self, _request: Request) -> Response:
        troubles = self._health.troubles()
        return json_response({"ready": not troubles, "troubles": troubles}, 503 if troubles else 200)

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _listen(host: str, port: int) -> socket.socket:
    """Everywhere means by IPv4 and IPv6, as gRPC takes it, too; by IPv4 alone where the machine has nothing else."""
    if host in EVERYWHERE:
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(("", port), family=family, dualstack_ipv6=both)
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


async def _as_plain_problem(_request: Request, error: Exception) -> Response:
    """No such address, or no such method on it."""
    assert isinstance(error, HTTPException)
    slug = error.detail.lower().replace(" ", "-")
    body = {"type": f"urn:machi:{slug}", "title": slug, "status": error.status_code, "detail": error.detail}
    return Response(orjson.dumps(body), error.status_code, error.headers, media_type="application/problem+json")


async def _as_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MachiError)
    return problem(error)
