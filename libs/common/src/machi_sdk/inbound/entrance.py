"""Where a webhook's events go in: to the channel's inbound topic, at once or not at all."""

from collections.abc import Callable
from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi_sdk.errors import Unavailable
from machi_sdk.producer import Producer
from machi_sdk.telemetry import counter

STORE_SECONDS = 1.2
# The topic holds personal data and keeps it 72 hours: what nobody has read by then would be lost.
OLDEST_UNREAD_SECONDS = 48 * 3600.0


@dataclass(frozen=True)
class Entrance:
    """One channel's way in; `unread_seconds` is the oldest unread record's age.

    `pseudonym` makes the record's key, by which one person's events are handled in order. It is of a tenant: who has
    the same address with two of them is two people, and trouble with the one is none with the other.
    """

    channel: str
    topic: str
    producer: Producer
    pseudonym: Callable[[str], str]
    unread_seconds: Callable[[], float]

    async def store(self, event: InboundEvent, tenant: str) -> None:
        """Keep an event; Unavailable when it was not confirmed in time, or would not be read while it is kept."""
        if self.unread_seconds() > OLDEST_UNREAD_SECONDS:
            raise Unavailable("inbound-unread-too-long")
        key = self.pseudonym(f"{tenant}/{event.address}")
        await self.producer.send(self.topic, key, event, (event.event_id, tenant), STORE_SECONDS)
        counter("machi_webhooks_total").labels(self.channel, f"stored-{event.WhichOneof('kind')}").inc()
