"""What the use cases ask of the world."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.identity.v1 import identity_service_pb2 as identity
from machi_channel_line.domain.delivery import End
from machi_channel_line.domain.sending import Outcome
from machi_sdk.envelope import Received
from machi_sdk.work import Work

Body = Mapping[str, object]


class NoPhoto(Exception):
    """The platform has no photo for us: gone, too large, of another kind."""


class DownloadFailed(Exception):
    """The photo could not be fetched now; another try may bring it."""


@dataclass(frozen=True)
class Pushing:
    """One push: who, what, under which retry key."""

    address: str
    messages: Sequence[Body]
    retry_key: str
    quiet: bool = False


class Renderer(Protocol):
    """Channel-neutral answers as LINE messages, at most five."""

    def __call__(self, response: wire.TurnResponse, language: str, chosen: Sequence[str]) -> list[Body]:
        """The answer's bodies; `chosen` are the options taken so far of a question that takes several."""
        ...


class Line(Protocol):
    """LINE's Messaging API for one account."""

    async def reply(self, token: str, messages: Sequence[Body]) -> Outcome:
        """Answer by reply token."""
        ...

    async def push(self, push: Pushing) -> Outcome:
        """Write to a person; safe to repeat with the same retry key."""
        ...

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        """Content type and bytes of what a person sent, at most 10 MB. NoPhoto, or DownloadFailed to try again."""
        ...


class People(Protocol):
    """Identity, as this channel may ask it; every call raises MachiError kinds."""

    async def resolve(self, tenant: str, address: str) -> identity.ResolveResponse:
        """Who writes."""
        ...

    async def focus(self, tenant: str, request: identity.SetFocusRequest) -> None:
        """Set the dialogue the person is in; Conflict when it moved on."""
        ...

    async def release(self, tenant: str, request: identity.ReleaseAddressRequest) -> identity.ReleaseAddressResponse:
        """The address, if it may be used now."""
        ...

    async def reachable(self, tenant: str, request: identity.SetReachableRequest) -> None:
        """Tell whether LINE lets us reach the person."""
        ...


class Talkers(Protocol):
    """The pods that hold dialogues."""

    async def turn(self, tenant: str, pod: str, request: wire.TurnRequest) -> wire.TurnResponse:
        """One step; Unavailable when the pod is away, hung, or has no place left."""
        ...

    async def put_photo(
        self, tenant: str, pod: str, header: wire.MediaHeader, chunks: AsyncIterator[bytes]
    ) -> wire.PutMediaResponse:
        """Hand a photo over."""
        ...


@dataclass(frozen=True)
class Opening:
    """A dialogue one can open."""

    pod: str
    command: str


class Openings(Protocol):
    """What the installed pods offer."""

    def installed(self, pod: str) -> bool:
        """Whether the pod is installed."""
        ...

    def by_words(self, typed: str) -> Opening | None:
        """The dialogue one of whose keywords was typed, in any language."""
        ...

    def by_role(self, role: str) -> Opening | None:
        """The dialogue with that role."""
        ...


@dataclass(frozen=True)
class Earlier:
    """An earlier message of the same person: its event and the pod that took it."""

    event_id: str
    pod: str


class Answers(Protocol):
    """What is remembered about events and their answers."""

    async def earlier(self, tenant: str, message_id: str) -> Earlier | None:
        """The event of a message, and which pod took it."""
        ...

    async def blank(self, tenant: str, message_id: str) -> None:
        """Forget what the message said."""
        ...

    async def claim_token(self, tenant: str, event_id: str, holder: str) -> bool:
        """Reserve the event's reply token for `holder`, durably; False when another holder has it."""
        ...

    async def free_token(self, tenant: str, event_id: str) -> None:
        """Give the token back: it was surely not used."""
        ...

    async def first_push(self, tenant: str, event_id: str, now: datetime) -> datetime:
        """Note, durably, that a push is about to be made; returns when the first one was."""
        ...

    async def wish_menu(self, tenant: str, citizen_id: str, language: str, event_id: str) -> None:
        """Let the person's menu be the one of that language."""
        ...


@dataclass(frozen=True)
class Open:
    """A delivery that has not ended, as claimed for one attempt."""

    tenant: str
    request: DeliveryRequested
    tries: int
    first_post_at: datetime | None
    newest_sent: int
    trace: Mapping[str, str]


class Deliveries(Protocol):
    """The durable list of what is to be sent."""

    async def accept(self, records: Sequence[Received], work: Work) -> None:
        """Enter requests for this channel in the consumer's transaction; one already here is left alone."""
        ...

    async def claim(self, tenant: str, count: int) -> list[Open]:
        """Lease the first open delivery of up to `count` people whose time has come."""
        ...

    async def forget(self, tenant: str) -> None:
        """Remove what ended long ago."""
        ...

    async def posting(self, delivery: Open, now: datetime) -> None:
        """Note, durably, that a request to LINE is about to be made."""
        ...

    async def conclude(self, delivery: Open, end: End, reason: str) -> None:
        """End it and say so, in one transaction."""
        ...

    async def put_off(self, delivery: Open, until: datetime, reason: str) -> None:
        """Try again later; the person's later deliveries wait behind it."""
        ...


@dataclass(frozen=True)
class DueLink:
    """A person who should see another menu."""

    citizen_id: str
    event_id: str
    tries: int
    menu_id: str


class MenuSide(Protocol):
    """LINE's rich menus for one account; each call raises Unavailable when LINE did not do it."""

    async def create_menu(self, menu: Body) -> str:
        """Make a menu; returns its id."""
        ...

    async def draw_menu(self, menu_id: str, png: bytes) -> None:
        """Give a menu its picture."""
        ...

    async def default_menu(self, menu_id: str) -> None:
        """Show a menu to everyone without an own one."""
        ...

    async def delete_menu(self, menu_id: str) -> None:
        """Remove a menu; one that is gone already is fine."""
        ...

    async def menus(self) -> dict[str, str]:
        """Every menu of the account: id to name."""
        ...

    async def link_menu(self, address: str, menu_id: str) -> Outcome:
        """Show a rich menu to one person."""
        ...


class Menus(Protocol):
    """Which menus were made, and who should see which."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether this replica may change menus now."""
        ...

    async def live(self, tenant: str) -> dict[str, tuple[str, str]]:
        """Menu id and hash per language."""
        ...

    async def add(self, tenant: str, menu_id: str, language: str, hash_: str) -> None:
        """Remember a menu the moment it is made."""
        ...

    async def promote(self, tenant: str, language: str, menu_id: str) -> None:
        """It is its language's menu from now on."""
        ...

    async def unused(self, tenant: str, states: Sequence[str]) -> list[str]:
        """Menus in one of these states (made, old) that nobody is linked to."""
        ...

    async def known(self, tenant: str) -> list[str]:
        """Every menu this pod made and did not remove."""
        ...

    async def remove(self, tenant: str, menu_id: str) -> None:
        """It is gone."""
        ...

    async def due(self, tenant: str, now: datetime) -> list[DueLink]:
        """People whose menu is not the one of their language."""
        ...

    async def linked(self, tenant: str, link: DueLink) -> None:
        """The person has it."""
        ...

    async def put_off(self, tenant: str, link: DueLink, until: datetime) -> None:
        """Try again then."""
        ...
