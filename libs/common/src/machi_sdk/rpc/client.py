"""Calls to other pods: token per callee, trace, deadline, safe retries, errors as the five kinds."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import grpc
from grpc.aio import AioRpcError, ClientCallDetails, Metadata, StreamUnaryCall, UnaryStreamCall, UnaryUnaryCall

from machi_sdk.errors import Invalid, MachiError, Unavailable
from machi_sdk.keys import Keys
from machi_sdk.rpc.calls import KIND_OF, SLUG, TOKEN
from machi_sdk.telemetry import carried, histogram

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
Parts: TypeAlias = AsyncIterable[Asked] | Iterable[Asked]

_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.4s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)
_OPTIONS = [
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.use_local_subchannel_pool", 1),
]


def translated(error: AioRpcError) -> MachiError:
    """The kind of error a status stands for, with the callee's slug."""
    slug = ""
    for key, value in error.trailing_metadata() or ():
        if key == SLUG:
            slug = value if isinstance(value, str) else value.decode()
    kind = KIND_OF.get(error.code(), Unavailable)
    return kind(slug or error.code().name.lower().replace("_", "-"), error.details() or "")


class _Credentials:
    """Adds token and trace to a call's metadata, and insists on a deadline."""

    def __init__(self, callee: str, keys: Keys) -> None:
        self._callee = callee
        self._keys = keys

    def _signed(self, details: ClientCallDetails) -> ClientCallDetails:
        if details.timeout is None:
            raise Invalid("deadline-missing", f"give {details.method!r} a timeout")
        metadata = Metadata(*(details.metadata or ()))
        metadata.add(TOKEN, f"Bearer {self._keys.token_for(self._callee)}")
        for name, value in carried().items():
            metadata.add(name, value)
        return ClientCallDetails(details.method, details.timeout, metadata, details.credentials, details.wait_for_ready)


class _UnaryUnary(_Credentials, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[[ClientCallDetails, Asked], Awaitable[UnaryUnaryCall[Asked, Answered]]],
        client_call_details: ClientCallDetails,
        request: Asked,
    ) -> Answered:
        started = time.perf_counter()
        code = "OK"
        try:
            call = await continuation(self._signed(client_call_details), request)
            return await call
        except AioRpcError as error:
            code = error.code().name
            raise translated(error) from error
        finally:
            _observe(client_call_details.method, code, started)


class _StreamUnary(_Credentials, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self,
        continuation: Callable[[ClientCallDetails, Parts[Asked]], Awaitable[StreamUnaryCall[Asked, Answered]]],
        client_call_details: ClientCallDetails,
        request_iterator: Parts[Asked],
    ) -> StreamUnaryCall[Asked, Answered]:
        return await continuation(self._signed(client_call_details), request_iterator)


class _UnaryStream(_Credentials, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[[ClientCallDetails, Asked], Awaitable[UnaryStreamCall[Asked, Answered]]],
        client_call_details: ClientCallDetails,
        request: Asked,
    ) -> UnaryStreamCall[Asked, Answered]:
        return await continuation(self._signed(client_call_details), request)


def _observe(method: object, code: str, started: float) -> None:
    text = method.decode() if isinstance(method, bytes) else str(method)
    service, _, name = text.lstrip("/").partition("/")
    histogram("machi_rpc_client_seconds").labels(service, name, code).observe(time.perf_counter() - started)


class Peers:
    """Channels to the other pods, one each for the process's life."""

    def __init__(self, addresses: dict[str, str], keys: Keys) -> None:
        self._addresses = addresses
        self._keys = keys
        self._channels: dict[str, grpc.aio.Channel] = {}

    def channel(self, pod: str) -> grpc.aio.Channel:
        """The channel to a pod; calls on it raise MachiError kinds. Unavailable when its address is unknown."""
        if pod not in self._addresses:
            raise Unavailable("peer-unknown", f"no address of {pod} in MACHI_PEERS")
        if pod not in self._channels:
            interceptors = [kind(pod, self._keys) for kind in (_UnaryUnary, _StreamUnary, _UnaryStream)]
            self._channels[pod] = grpc.aio.insecure_channel(
                self._addresses[pod], options=_OPTIONS, interceptors=interceptors
            )
        return self._channels[pod]

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()


@contextmanager
def mapped() -> Iterator[None]:
    """Around a streaming call: its errors become the five kinds."""
    try:
        yield
    except AioRpcError as error:
        raise translated(error) from error
