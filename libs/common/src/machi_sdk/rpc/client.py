"""Calls to other pods: token per callee, trace, deadline, safe retries, errors as the five kinds."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeAlias, TypeVar

import grpc
from grpc.aio import AioRpcError, ClientCallDetails, Metadata, StreamUnaryCall, UnaryStreamCall, UnaryUnaryMultiCallable

from machi_sdk.errors import Invalid, MachiError, Unavailable
from machi_sdk.keys import Keys
from machi_sdk.rpc.calls import KEEPALIVE_MS, KIND_OF, SLUG, TOKEN
from machi_sdk.telemetry import carried, histogram

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
Parts: TypeAlias = AsyncIterable[Asked] | Iterable[Asked]

# What a callee's gate says of the caller, and not of what is asked: a release or its keys are just being changed.
_OF_THE_CALLER = ("token-refused", "caller-not-declared", "not-served", "tenant-unknown")
_GATES = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT)
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
    ("grpc.enable_http_proxy", 0),  # pods are in the same network, whatever proxy leads out of it
    # A machine that lost its power closes no connection: who does not answer is looked for anew. While a ping that
    # measures bandwidth is under way none is sent to keep alive, and that one would be waited for for a minute.
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
]


def translated(error: AioRpcError) -> MachiError:
    """The kind of error a status stands for, with the callee's slug.

    Unavailable where the gate refused the caller: what the call was for must not be given up for that.
    """
    slug = ""
    for key, value in error.trailing_metadata() or ():
        if key == SLUG:
            slug = value if isinstance(value, str) else value.decode()
    of_the_caller = error.code() in _GATES and slug in _OF_THE_CALLER
    kind = Unavailable if of_the_caller else KIND_OF.get(error.code(), Unavailable)
    return kind(slug or error.code().name.lower().replace("_", "-"), error.details() or "")


class _Credentials:
    """Adds token and trace to a call's metadata, and insists on a deadline."""

    def __init__(self, callee: str, keys: Keys) -> None:
        self._callee = callee
        self._keys = keys

    def metadata(self, method: str, seconds: float | None, given: Iterable[tuple[str, str | bytes]]) -> Metadata:
        """What a call carries; Invalid when it has no deadline."""
        if seconds is None:
            raise Invalid("deadline-missing", f"give {method!r} a timeout")
        return Metadata(*given, (TOKEN, f"Bearer {self._keys.token_for(self._callee)}"), *carried().items())

    def _signed(self, details: ClientCallDetails) -> ClientCallDetails:
        metadata = self.metadata(str(details.method), details.timeout, details.metadata or ())
        return ClientCallDetails(details.method, details.timeout, metadata, details.credentials, details.wait_for_ready)


class _Unary(Generic[Asked, Answered]):
    """One method's plain calls, dressed here: grpc's interceptors cost as much as the rest of a call."""

    def __init__(self, call: UnaryUnaryMultiCallable[Asked, Answered], method: str, credentials: _Credentials) -> None:
        self._call = call
        self._method = method
        self._metadata = credentials.metadata

    async def __call__(
        self,
        request: Asked,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 (as grpc has it)
        metadata: Iterable[tuple[str, str | bytes]] = (),
    ) -> Answered:
        dressed = self._metadata(self._method, timeout, metadata)
        started = time.perf_counter()
        code = "CANCELLED"
        try:
            answer = await self._call(request, timeout=timeout, metadata=dressed)
        except AioRpcError as error:
            code = error.code().name
            raise translated(error) from error
        else:
            code = "OK"
            return answer
        finally:
            _observe(self._method, code, started)


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


def _channel(address: str, callee: str, keys: Keys) -> grpc.aio.Channel:
    streaming = [kind(callee, keys) for kind in (_StreamUnary, _UnaryStream)]
    channel = grpc.aio.insecure_channel(address, options=_OPTIONS, interceptors=streaming)
    plain, credentials = channel.unary_unary, _Credentials(callee, keys)

    def unary_unary(method: str, *codec: object, **named: object) -> _Unary[object, object]:
        return _Unary(plain(method, *codec, **named), method, credentials)  # type: ignore[arg-type]  # handed on as it came

    channel.unary_unary = unary_unary  # type: ignore[method-assign, assignment]  # stubs call it
    return channel


def _observe(method: str, code: str, started: float) -> None:
    service, _, name = method.lstrip("/").partition("/")
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
            self._channels[pod] = _channel(self._addresses[pod], pod, self._keys)
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
