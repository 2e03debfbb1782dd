"""Events of tenants whose channel is off for the time being wait; nothing that was accepted is given up for a file."""

from collections.abc import Set
from dataclasses import dataclass

from machi_sdk.errors import Unavailable
from machi_sdk.inbound.events import PendingEvent
from machi_sdk.inbound.queue import EventHandler


@dataclass(frozen=True)
class WhileOff:
    """`EventHandler`: hands on what is not of a tenant in `off`."""

    handler: EventHandler
    off: Set[str]

    def foresee(self, event: PendingEvent) -> None:
        """Hand it on."""
        if event.tenant not in self.off:
            self.handler.foresee(event)

    async def handle(self, event: PendingEvent) -> None:
        """Hand it on; Unavailable while the channel is off."""
        if event.tenant in self.off:
            raise Unavailable("channel-off")
        await self.handler.handle(event)

    async def say_waiting(self, event: PendingEvent) -> None:
        """Hand it on; nothing can be said through a channel that is off."""
        if event.tenant not in self.off:
            await self.handler.say_waiting(event)
