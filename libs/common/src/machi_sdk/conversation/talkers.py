"""Turns with the pods that hold dialogues, over gRPC, each behind its own bulkhead."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

import grpc
from grpc.aio import AioRpcError

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi_sdk.errors import Unavailable
from machi_sdk.inbound import Bulkheads
from machi_sdk.rpc import Peers, for_tenant, mapped

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub

TURN_SECONDS = 3.0
PHOTO_SECONDS = 120.0  # longer than a download may take, decoding and storing included
# More at once only share the line, and none of them is through in time.
PHOTOS_AT_ONCE = 4
TOO_SLOW = "photo-too-slow"  # pods that stop reading say the same

Fetch: TypeAlias = Callable[[], Awaitable[tuple[str, AsyncIterator[bytes]]]]


class Talkers:
    """Speaks to any installed pod."""

    def __init__(self, peers: Peers, bulkheads: Bulkheads) -> None:
        self._peers = peers
        self._bulkheads = bulkheads

    async def turn(self, tenant: str, pod: str, request: wire.TurnRequest) -> wire.TurnResponse:
        """One step; Unavailable when the pod is away, hung, or has no place left."""
        async with self._bulkheads.enter(pod):
            return await self._stub(pod).Turn(request, timeout=TURN_SECONDS, metadata=for_tenant(tenant))

    async def put_photo(self, tenant: str, pod: str, header: wire.MediaHeader, fetch: Fetch) -> wire.PutMediaResponse:
        """Hand a photo over, piece by piece; when photos cannot be kept, words still can.

        `fetch` opens it, and gives its type and pieces. Unavailable also when it was not through in time.
        """
        async with self._bulkheads.enter(f"{pod} photos", PHOTOS_AT_ONCE):
            try:
                header.content_type, chunks = await fetch()
            except Unavailable as error:
                refused = error  # by one tenant's platform: the pod has not failed
            else:
                with mapped(), _in_time():
                    return await self._put(tenant, pod, header, chunks)
        raise refused

    async def _put(
        self, tenant: str, pod: str, header: wire.MediaHeader, chunks: AsyncIterator[bytes]
    ) -> wire.PutMediaResponse:
        call = self._stub(pod).PutMedia(timeout=PHOTO_SECONDS, metadata=for_tenant(tenant))
        try:
            with suppress(asyncio.InvalidStateError):  # the pod has answered already, without reading it all
                await call.write(wire.PutMediaRequest(header=header))
                async for chunk in chunks:
                    await call.write(wire.PutMediaRequest(chunk=chunk))
                await call.done_writing()
            return await call
        finally:
            call.cancel()

    def _stub(self, pod: str) -> "DialogueServiceAsyncStub":
        return DialogueServiceStub(self._peers.channel(pod))


@contextmanager
def _in_time() -> Iterator[None]:
    """Tell our own deadline from one that the pod met behind it."""
    try:
        yield
    except AioRpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise Unavailable(TOO_SLOW) from error
        raise
