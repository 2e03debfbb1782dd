"""Identity and the pods that own cards, over rpc."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from machi.dialogue.v1.desk_card_pb2 import BoardSection, DeskCard
from machi.dialogue.v1.dialogue_service_pb2 import BoardRequest, CardRequest, GetMediaRequest
from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceStub
from machi.identity.v1.staff_service_pb2 import ListDesksRequest, ListStaffRequest, ResolveStaffRequest, Staff
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi_channel_slack.domain.address import CHANNEL, SlackAddress
from machi_channel_slack.domain.cards import CardState, Desk
from machi_sdk.errors import Missing, Unavailable
from machi_sdk.inbound import Bulkheads
from machi_sdk.installed import InstalledPods
from machi_sdk.rpc import for_tenant, mapped
from machi_sdk.rpc.client import Peers

if TYPE_CHECKING:
    from machi.dialogue.v1.dialogue_service_pb2_grpc import DialogueServiceAsyncStub
    from machi.identity.v1.staff_service_pb2_grpc import StaffServiceAsyncStub

CARDS = "machi.desk.cards.v1"
_DESKS_KNOWN_SECONDS = 60.0
_MOST_PHOTO_BYTES = 20 * 1024 * 1024


class IdentityDesks:
    """`ports.Desks`; desks are remembered for a minute, people never."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._desks: dict[str, tuple[float, dict[str, Desk]]] = {}

    async def desk(self, tenant: str, desk_id: str) -> Desk:
        """A desk; Unavailable while identity knows none of that id, or does not answer."""
        now = asyncio.get_running_loop().time()
        read_at, desks = self._desks.get(tenant, (0.0, {}))
        if desk_id not in desks or now - read_at > _DESKS_KNOWN_SECONDS:
            answer = await self._stub().ListDesks(ListDesksRequest(), timeout=2.0, metadata=for_tenant(tenant))
            desks = {desk.desk_id: Desk(desk.desk_id, desk.name, desk.language) for desk in answer.desks}
            self._desks[tenant] = (now, desks)
        if desk_id not in desks:
            raise Unavailable("desk-unknown")
        return desks[desk_id]

    async def staff(self, tenant: str, address: str, within: float) -> Staff | None:
        """The member of staff behind an address; None for strangers, Unavailable when nobody knows."""
        request = ResolveStaffRequest(channel=CHANNEL, address=address)
        try:
            answer = await self._stub().ResolveStaff(request, timeout=within, metadata=for_tenant(tenant))
        except Missing:
            return None
        return answer.staff

    async def members(self, tenant: str, desk_id: str) -> list[str]:
        """The Slack users who work at a desk."""
        answer = await self._stub().ListStaff(ListStaffRequest(), timeout=2.0, metadata=for_tenant(tenant))
        users = (SlackAddress.read(staff.slack_address).user for staff in answer.staff if desk_id in staff.desk_ids)
        return [user for user in users if user]

    def _stub(self) -> "StaffServiceAsyncStub":
        return StaffServiceStub(self._peers.channel("identity"))


class DialoguePods:
    """`ports.Pods`; a hung pod takes its own places only."""

    def __init__(self, peers: Peers, bulkheads: Bulkheads, installed: InstalledPods) -> None:
        self._peers = peers
        self._bulkheads = bulkheads
        self._installed = installed

    def with_boards(self) -> Sequence[str]:
        """The installed pods that announce cards, by name."""
        return [pod.name for pod in self._installed.all() if CARDS in pod.publishes]

    async def board(self, tenant: str, pod: str, request: BoardRequest) -> Sequence[BoardSection]:
        """What a member of staff has before them in that pod."""
        async with self._bulkheads.enter(f"{pod} boards"):
            answer = await self._stub(pod).Board(request, timeout=3.0, metadata=for_tenant(tenant))
        return answer.sections

    async def card(self, state: CardState, language: str) -> DeskCard:
        """The card as it is now."""
        request = CardRequest(card_id=state.key.card_id, desk_id=state.key.desk_id, language=language)
        async with self._bulkheads.enter(f"{state.pod} cards"):
            answer = await self._stub(state.pod).Card(request, timeout=3.0, metadata=for_tenant(state.key.tenant))
        return answer.card

    async def photo(self, state: CardState, media_id: str) -> bytes:
        """A photo of the card."""
        request = GetMediaRequest(card_id=state.key.card_id, desk_id=state.key.desk_id, media_id=media_id)
        body = bytearray()
        with mapped():
            stream = self._stub(state.pod).GetMedia(request, timeout=10.0, metadata=for_tenant(state.key.tenant))
            async for part in stream:
                body += part.chunk
                if len(body) > _MOST_PHOTO_BYTES:
                    raise Missing("photo-too-large")
        return bytes(body)

    def _stub(self, pod: str) -> "DialogueServiceAsyncStub":
        return DialogueServiceStub(self._peers.channel(pod))
