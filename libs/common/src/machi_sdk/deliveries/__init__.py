"""For channel adapters: what is to be sent is a row, attempted in order per person, until its end is known."""

from machi_sdk.deliveries.loop import DeliveryLoop
from machi_sdk.deliveries.outcomes import Accepted, NotTaken, Outcome, Refused, Unclear
from machi_sdk.deliveries.rows import DELIVERY_MOVES, DeliveryRows
from machi_sdk.deliveries.sending import Attempt, SendDelivery
from machi_sdk.deliveries.standing import key_alive

__all__ = [
    "DELIVERY_MOVES",
    "Accepted",
    "Attempt",
    "DeliveryLoop",
    "DeliveryRows",
    "NotTaken",
    "Outcome",
    "Refused",
    "SendDelivery",
    "Unclear",
    "key_alive",
]
