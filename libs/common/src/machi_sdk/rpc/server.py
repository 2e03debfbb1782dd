"""The rpc server: authenticates, authorises by the installed manifests, wants deadlines, maps errors, measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from opentelemetry.trace import SpanKind

from machi_sdk.errors import Denied, Invalid, MachiError
from machi_sdk.manifest import OPERATOR
from machi_sdk.rpc.calls import KEEPALIVE_MS, LONGEST_CALL_MS, SLUG, TENANT, TOKEN, Call, enter_call, status_of
from machi_sdk.telemetry import get_logger, histogram, remote_span

if TYPE_CHECKING:
    from machi_sdk.installed import InstalledPods
    from machi_sdk.keys import Keys
    from machi_sdk.manifest import Manifest

    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]
    Unary: TypeAlias = Callable[[Any, Context], Awaitable[Message]]
    Streaming: TypeAlias = Callable[[Any, Context], AsyncGenerator[Message, None]]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]

T = TypeVar("T")

_OPEN = "grpc.health.v1.Health"

log = get_logger()


@dataclass(frozen=True)
class Gate:
    """Decides who may call what here."""

    manifest: Manifest
    installed: InstalledPods
    keys: Keys
    tenants: frozenset[str]
    default_tenant: str

    def admit(self, method: str, metadata: dict[str, str], time_left: float | None) -> Call:
        """The authenticated call; Denied when the caller may not, Invalid without deadline or for a foreign tenant.

        Unavailable to pods until the installed manifests are read: just started is no ground to refuse for good, and
        an answer made with some of them would lack what the others offer.
        """
        if time_left is None:
            raise Invalid("deadline-missing", "give every call a deadline")
        service, _, name = method.lstrip("/").partition("/")
        caller = self._caller(metadata.get(TOKEN, "").removeprefix("Bearer "), method)
        entry = self.manifest.answers(service)
        if entry is None:
            raise Denied("not-served", f"{service} is not in `serves`")
        if caller == OPERATOR:
            allowed = name in entry.operator_only or name.startswith(("List", "Get", "Find"))
        else:
            self.installed.require()
            theirs = self.installed.get(caller)
            allowed = (
                name not in entry.operator_only and theirs is not None and theirs.may_call(self.manifest.name, service)
            )
        if not allowed:
            raise Denied("caller-not-declared", f"{caller} may not call {service}/{name}")
        tenant = metadata.get(TENANT, self.default_tenant if caller == OPERATOR else "")
        if tenant not in self.tenants:
            raise Invalid("tenant-unknown", "name one of the release's tenants")
        return Call(caller, tenant)

    def _caller(self, token: str, method: str) -> str:
        try:
            return self.keys.caller_of(token, self.manifest.name)
        except Denied as error:
            log.warning("token refused", method=method, reason=error.message)
            raise


class _Interceptor(grpc.aio.ServerInterceptor):
    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._known: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        method = handler_call_details.method
        if method in self._known:
            return self._known[method]
        handler: Any = await continuation(handler_call_details)
        if handler is None or method.startswith(f"/{_OPEN}/"):
            return handler  # type: ignore[no-any-return]  # grpc names no type
        self._known[method] = self._guarded(method, handler)
        return self._known[method]

    def _guarded(self, method: str, handler: Any) -> Handler:  # noqa: ANN401 (grpc's own type knows no async)
        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary:
            wrapped: Any = self._unary(method, handler.unary_unary)
            return grpc.unary_unary_rpc_method_handler(wrapped, *codec)
        if handler.stream_unary:
            wrapped = self._unary(method, _read_whole(handler.stream_unary))
            return grpc.stream_unary_rpc_method_handler(wrapped, *codec)
        wrapped = self._stream(method, handler.unary_stream)
        return grpc.unary_stream_rpc_method_handler(wrapped, *codec)

    def _unary(self, method: str, behaviour: Unary) -> Unary:
        async def answer(request: Message, context: Context) -> Message:
            async def admitted(metadata: dict[str, str]) -> Message:
                enter_call(self._gate.admit(method, metadata, context.time_remaining()))
                return await behaviour(request, context)

            return await _judged(method, context, admitted)

        return answer

    def _stream(self, method: str, behaviour: Streaming) -> Callable[[Any, Context], Awaitable[None]]:
        async def answer(request: Message, context: Context) -> None:
            async def admitted(metadata: dict[str, str]) -> None:
                enter_call(self._gate.admit(method, metadata, context.time_remaining()))
                async with aclosing(behaviour(request, context)) as parts:
                    async for part in parts:
                        await context.write(part)

            await _judged(method, context, admitted)

        return answer


def _read_whole(behaviour: Unary) -> Unary:
    """Read what is still sent before answering.

    A client of grpc.aio that writes while the answer comes loses it: it says "Internal error from Core" instead.
    """

    async def answer(parts: AsyncIterator[Message], context: Context) -> Message:
        try:
            found = await behaviour(parts, context)
        except Exception:
            await _drain(parts)
            raise
        await _drain(parts)
        return found

    return answer


async def _drain(parts: AsyncIterator[Message]) -> None:
    async for _ in parts:
        pass


async def _judged(method: str, context: Context, answer: Callable[[dict[str, str]], Awaitable[T]]) -> T:
    """An answer in a server span of the caller's trace; errors become a status, and the time until it is measured."""
    metadata = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
    service, _, name = method.lstrip("/").partition("/")
    started = time.perf_counter()
    code = "OK"
    try:
        with remote_span(f"{service}/{name}", metadata, SpanKind.SERVER):
            return await answer(metadata)
    except grpc.aio.AbortError:
        code = "ABORTED"
        raise
    except MachiError as error:
        status = status_of(error)
        code = status.name
        await context.abort(status, error.message, ((SLUG, error.slug),))
    except Exception as error:
        code = "INTERNAL"
        log.exception("rpc failed", method=method, error=type(error).__name__)
        await context.abort(grpc.StatusCode.INTERNAL, "the callee failed")
    except asyncio.CancelledError:
        code = "CANCELLED"
        raise
    finally:
        seconds = time.perf_counter() - started
        histogram("machi_rpc_server_seconds").labels(service, name, code).observe(seconds)


class RpcServer:
    """The pod's gRPC server with health and ordered drain."""

    def __init__(self, gate: Gate) -> None:
        options = [
            ("grpc.max_connection_age_ms", 300_000),
            ("grpc.max_connection_age_grace_ms", LONGEST_CALL_MS),
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            ("grpc.so_reuseport", 0),
            ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
        ]
        self.server = grpc.aio.server(interceptors=[_Interceptor(gate)], options=options)
        self._health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)
        self.port = 0

    async def start(self, address: str) -> None:
        """Listen; RuntimeError when the port is taken."""
        self.port = self.server.add_insecure_port(address)
        await self.server.start()

    async def set_serving(self, *, ready: bool) -> None:
        """Tell health clients whether calls are welcome."""
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set("", status)

    async def drain(self, grace: float) -> None:
        """Refuse new calls, finish the present ones within `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self.server.stop(grace)
