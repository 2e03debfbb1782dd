"""The DialogueService every talking pod serves: turns of citizens and staff, cards, photos."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import BoardSection, DeskCard
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceServicer
from machi_sdk.clock import Clock
from machi_sdk.dialogue import sessions
from machi_sdk.dialogue.answers import Json
from machi_sdk.dialogue.kit import DialogueKit
from machi_sdk.dialogue.script import Reply, TurnContext
from machi_sdk.errors import Conflict, Invalid, Missing, Unavailable
from machi_sdk.rpc import Call, current_call
from machi_sdk.work import Work, Works

W = TypeVar("W", bound=Work)
if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]
W_contra = TypeVar("W_contra", bound=Work, contravariant=True)

_CHUNK = 64 * 1024


class DeskHandler(Protocol[W_contra]):
    """What staff may do with a pod's cards."""

    async def prepare(self, turn: TurnContext, card_id: str) -> Mapping[str, Json]:
        """Facts for `turn.facts` that need an rpc, asked before the transaction."""
        ...

    async def press(self, work: W_contra, staff: wire.StaffActor, press: wire.CardPress, turn: TurnContext) -> Reply:
        """A pressed action with its form's values, inside the turn's transaction."""
        ...

    async def reply(self, work: W_contra, staff: wire.StaffActor, reply: wire.CardReply, turn: TurnContext) -> Reply:
        """Words written in a card's thread, inside the turn's transaction."""
        ...

    async def card(self, request: wire.CardRequest, call: Call) -> DeskCard:
        """The card as the desk may see it now; logs the access. Missing when there is none."""
        ...

    async def board(self, request: wire.BoardRequest, call: Call) -> list[BoardSection]:
        """What a member of staff has before them; nothing for who works at no desk."""
        ...


class MediaHandler(Protocol):
    """Photos on their way in and out."""

    async def put(self, header: wire.MediaHeader, chunks: AsyncIterator[bytes], call: Call) -> wire.PutMediaResponse:
        """Check and store a photo; safe to repeat by event id."""
        ...

    async def get(self, request: wire.GetMediaRequest, call: Call) -> bytes:
        """A photo of a card the desk holds; logs the access. Missing when there is none."""
        ...


class DialogueEndpoint(DialogueServiceServicer, Generic[W]):
    """Decodes, hands on, encodes."""

    def __init__(
        self,
        kit: DialogueKit[W],
        works: Works[W],
        desk: DeskHandler[W] | None = None,
        media: MediaHandler | None = None,
    ) -> None:
        self._kit = kit
        self._works = works
        self._clock = kit.clock
        self._desk = desk
        self._media = media

    async def Turn(self, request: wire.TurnRequest, context: Context) -> wire.TurnResponse:
        """One step of a conversation."""
        call = current_call()
        if request.WhichOneof("actor") == "staff":
            return await self._staff_turn(request, call.tenant)
        return await self._kit.turn(request, call.tenant)

    async def Card(self, request: wire.CardRequest, context: Context) -> wire.CardResponse:
        """What a desk may see of a card now."""
        if self._desk is None:
            raise Missing("card-unknown")
        return wire.CardResponse(card=await self._desk.card(request, current_call()))

    async def Board(self, request: wire.BoardRequest, context: Context) -> wire.BoardResponse:
        """What a member of staff has before them."""
        sections = [] if self._desk is None else await self._desk.board(request, current_call())
        return wire.BoardResponse(sections=sections)

    async def PutMedia(
        self,
        request_iterator: AsyncIterator[wire.PutMediaRequest],
        context: Context,
    ) -> wire.PutMediaResponse:
        """Take a photo in."""
        first = await anext(aiter(request_iterator), None)
        if first is None or first.WhichOneof("part") != "header":
            raise Invalid("media-header-missing")
        if self._media is None:
            return wire.PutMediaResponse(verdict=wire.MEDIA_VERDICT_NOT_A_PHOTO)
        chunks = (part.chunk async for part in request_iterator)
        return await self._media.put(first.header, chunks, current_call())

    async def GetMedia(
        self,
        request: wire.GetMediaRequest,
        context: Context,
    ) -> AsyncIterator[wire.GetMediaResponse]:
        """Hand a photo out to the desk that holds its card."""
        if self._media is None:
            raise Missing("media-unknown")
        content = await self._media.get(request, current_call())
        for start in range(0, len(content), _CHUNK):
            yield wire.GetMediaResponse(chunk=content[start : start + _CHUNK])

    async def _staff_turn(self, request: wire.TurnRequest, tenant: str) -> wire.TurnResponse:
        if self._desk is None:
            raise Missing("card-unknown")
        turn = staff_context(request, tenant, self._clock)
        card_id = request.card_press.card_id or request.card_reply.card_id
        turn = replace(turn, facts=await self._desk.prepare(turn, card_id))
        for _ in range(3):
            try:
                return await self._staff_turn_once(self._desk, request, turn)
            except Conflict as conflict:
                if not sessions.moved(conflict):
                    raise
        raise Unavailable("session-busy")

    async def _staff_turn_once(
        self, desk: DeskHandler[W], request: wire.TurnRequest, turn: TurnContext
    ) -> wire.TurnResponse:
        async with self._works.begin(turn.tenant) as work:
            kept = await sessions.kept_response(work, request.event_id)
            if kept is not None:
                return wire.TurnResponse.FromString(kept)
            if request.WhichOneof("input") == "card_press":
                reply = await desk.press(work, request.staff, request.card_press, turn)
            else:
                reply = await desk.reply(work, request.staff, request.card_reply, turn)
            response = wire.TurnResponse(messages=list(reply.messages), understood=True)
            work.hop("staff-turn-answered", event_id=request.event_id)
            sessions.keep_response(work, request.event_id, response.SerializeToString())
        return response


def staff_context(request: wire.TurnRequest, tenant: str, clock: Clock) -> TurnContext:
    """The turn of a staff member; `citizen_id` holds the staff id."""
    staff_id, language = request.staff.staff_id, request.language
    return TurnContext(tenant, staff_id, request.channel, language, request.event_id, "", clock.now())
