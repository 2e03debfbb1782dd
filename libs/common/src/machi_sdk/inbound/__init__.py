"""For channel adapters: every inbound event is a row, handled in order per person, kept through crashes and outages."""

from machi_sdk.inbound.bulkheads import FULL, Bulkheads
from machi_sdk.inbound.earlier import Earlier, EarlierMessages
from machi_sdk.inbound.entrance import Entrance
from machi_sdk.inbound.events import NOTICE, PUSHED, PendingEvent
from machi_sdk.inbound.queue import EventHandler, InboundQueue
from machi_sdk.inbound.served import ServedOnly

__all__ = [
    "FULL",
    "NOTICE",
    "PUSHED",
    "Bulkheads",
    "Earlier",
    "EarlierMessages",
    "Entrance",
    "EventHandler",
    "InboundQueue",
    "PendingEvent",
    "ServedOnly",
]
