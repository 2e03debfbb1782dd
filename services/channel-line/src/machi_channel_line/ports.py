"""What the use cases ask of the world."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi_sdk.conversation import Content
from machi_sdk.deliveries import Outcome

Body = Mapping[str, object]
# LINE takes no more pushes this month; replies cost nothing and still arrive.
MONTHLY_LIMIT = "monthly-limit"
# What LINE answers (403) when the account's plan allows no pushes.
NO_PUSHES = "platform-403"


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


@dataclass(frozen=True)
class TokenSpent:
    """The reply token was used or is too old."""


Replied = Outcome | TokenSpent


class Line(Content, Protocol):
    """LINE's Messaging API for one account."""

    async def reply(self, token: str, messages: Sequence[Body]) -> Replied:
        """Answer by reply token."""
        ...

    async def push(self, push: Pushing) -> Outcome:
        """Write to a person; safe to repeat with the same retry key."""
        ...

    @property
    def takes_pushes(self) -> bool:
        """False where LINE took none when one was last tried: the month's are used up, or the plan has none."""
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
        """It is its language's menu from now on; `settle` tells those who have another one."""
        ...

    async def wish(self, tenant: str, citizen_id: str, language: str, event_id: str) -> None:
        """Let the person's menu be the one of that language."""
        ...

    async def unused(self, tenant: str, states: Sequence[str]) -> list[str]:
        """Menus in one of these states (made, old) that nobody is linked to.

        Of the old ones also those beyond the newest 300 that only people are linked to who may not be reached.
        """
        ...

    async def known(self, tenant: str) -> list[str]:
        """Every menu this pod made and did not remove."""
        ...

    async def remove(self, tenant: str, menu_id: str) -> None:
        """It is gone."""
        ...

    async def claim(self, tenant: str, now: datetime) -> list[DueLink]:
        """People whose menu is not the one of their language; due to no other replica for a minute."""
        ...

    async def linked(self, tenant: str, link: DueLink) -> None:
        """The person has it."""
        ...

    async def put_off(self, tenant: str, link: DueLink, until: datetime) -> None:
        """Try again then."""
        ...

    async def wait(self, tenant: str, link: DueLink) -> None:
        """The person keeps the menu they have until they write again."""
        ...

    async def wake(self, tenant: str, citizen_id: str, language: str, event_id: str) -> None:
        """The person, who chose that language, wrote: their menu is due if it waited for that, or if they have none."""
        ...

    async def settle(self, tenant: str) -> None:
        """Who has the menu of their language has nothing due, all others have; another call ends what one began."""
        ...
