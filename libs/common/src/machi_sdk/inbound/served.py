"""Whose events are handled: those of tenants that have the channel; while it is off for one, theirs wait."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

from machi_sdk.errors import Unavailable
from machi_sdk.inbound.events import PendingEvent
from machi_sdk.inbound.queue import EventHandler

# Until then a newer replica may have the channel, whose file came after this one had started.
_ELSEWHERE = timedelta(minutes=15)


@dataclass(frozen=True)
class ServedOnly:
    """`EventHandler`: hands on what is of a `served` tenant. Nothing is given up for a file that is refused (`off`)."""

    handler: EventHandler
    served: Set[str]
    off: Set[str]

    def foresee(self, event: PendingEvent) -> None:
        """Hand it on."""
        if event.tenant in self.served:
            self.handler.foresee(event)

    async def handle(self, event: PendingEvent) -> None:
        """Hand it on; Unavailable while the channel is off, or may be another replica's.

        Who took it away wants no answers through it.
        """
        if event.tenant in self.off:
            raise Unavailable("channel-off")
        if event.tenant in self.served:
            await self.handler.handle(event)
        elif event.age < _ELSEWHERE:
            raise Unavailable("channel-not-here")
        else:
            await event.mark("ignored", "no-channel")

    async def say_waiting(self, event: PendingEvent) -> None:
        """Hand it on; nothing can be said through a channel that is off or gone."""
        if event.tenant in self.served:
            await self.handler.say_waiting(event)
