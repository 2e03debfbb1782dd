"""Turns with the pods that hold dialogues, over gRPC, each behind its own bulkhead."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi_sdk.inbound import Bulkheads
from machi_sdk.rpc import Peers, for_tenant, mapped

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub

TURN_SECONDS = 3.0
PHOTO_SECONDS = 15.0


class Talkers:
    """Speaks to any installed pod."""

    def __init__(self, peers: Peers, bulkheads: Bulkheads) -> None:
        self._peers = peers
        self._bulkheads = bulkheads

    async def turn(self, tenant: str, pod: str, request: wire.TurnRequest) -> wire.TurnResponse:
        """One step; Unavailable when the pod is away, hung, or has no place left."""
        async with self._bulkheads.enter(pod):
            return await self._stub(pod).Turn(request, timeout=TURN_SECONDS, metadata=for_tenant(tenant))

    async def put_photo(
        self, tenant: str, pod: str, header: wire.MediaHeader, chunks: AsyncIterator[bytes]
    ) -> wire.PutMediaResponse:
        """Hand a photo over, piece by piece; when photos cannot be kept, words still can."""
        async with self._bulkheads.enter(f"{pod} photos"):
            with mapped():
                return await self._put(tenant, pod, header, chunks)

    async def _put(
        self, tenant: str, pod: str, header: wire.MediaHeader, chunks: AsyncIterator[bytes]
    ) -> wire.PutMediaResponse:
        call = self._stub(pod).PutMedia(timeout=PHOTO_SECONDS, metadata=for_tenant(tenant))
        try:
            await call.write(wire.PutMediaRequest(header=header))
            async for chunk in chunks:
                await call.write(wire.PutMediaRequest(chunk=chunk))
            await call.done_writing()
            return await call
        finally:
            call.cancel()

    def _stub(self, pod: str) -> "DialogueServiceAsyncStub":
        return DialogueServiceStub(self._peers.channel(pod))
