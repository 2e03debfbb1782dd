"""Kept events go three ways: what officers do with cards, looks at the home tab, what residents say to the app."""

from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi_sdk.conversation.press import decode
from machi_sdk.inbound import EventHandler, PendingEvent

_OFFICERS = ("form", "thread_reply")


@dataclass(frozen=True)
class Lanes:
    """`machi_sdk.inbound.EventHandler`; one person's events keep one order, whichever way they go."""

    officers: EventHandler
    homes: EventHandler
    residents: EventHandler

    def foresee(self, event: PendingEvent) -> None:
        """Hand it on."""
        self._lane(event.event).foresee(event)

    async def handle(self, event: PendingEvent) -> None:
        """Hand it on."""
        await self._lane(event.event).handle(event)

    async def say_waiting(self, event: PendingEvent) -> None:
        """Hand it on."""
        await self._lane(event.event).say_waiting(event)

    def _lane(self, event: InboundEvent) -> EventHandler:
        kind = event.WhichOneof("kind")
        if kind == "home_opened":
            return self.homes
        at_a_card = kind in _OFFICERS or (kind == "pressed" and decode(event.pressed.data) is None)
        return self.officers if at_a_card else self.residents
