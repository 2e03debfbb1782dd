"""What the use cases ask of the world."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.identity.v1 import identity_service_pb2 as identity
from machi_channel_line.domain.sending import Outcome

Body = Mapping[str, object]


class NoPhoto(Exception):  # noqa: N818
    """The platform has no photo for us: gone, too large, of another kind."""


@dataclass(frozen=True)
class Pushing:
    """One push: who, what, under which retry key."""

    address: str
    messages: Sequence[Body]
    retry_key: str
    quiet: bool = False


class Line(Protocol):
    """LINE's Messaging API for one account."""

    async def reply(self, token: str, messages: Sequence[Body]) -> Outcome:
        """Answer by reply token."""
        ...

    async def push(self, push: Pushing) -> Outcome:
        """Write to a person; safe to repeat with the same retry key."""
        ...

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        """Content type and bytes of what a person sent, at most 10 MB. NoPhoto, or Unavailable to try again."""
        ...

    async def link_menu(self, address: str, menu_id: str) -> Outcome:
        """Show a rich menu to one person."""
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
