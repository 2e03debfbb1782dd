"""The pod's unit of work."""

from functools import cached_property

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi_notifications.adapters.deliveries import PostgresDeliveries
from machi_sdk.aliases import move_of
from machi_sdk.work import Work

REQUESTS = "machi.deliveries.requests.v1"


class NotificationsWork(Work):
    """A transaction with its deliveries."""

    moves = (move_of("deliveries"),)

    @cached_property
    def deliveries(self) -> PostgresDeliveries:
        """The deliveries of this work's tenant."""
        return PostgresDeliveries(self)

    def request(self, letter: bytes) -> None:
        """Let a request leave with this commit, in order per person."""
        event = DeliveryRequested.FromString(letter)
        self.emit(REQUESTS, event.citizen_id, event)
        self.hop("delivery-requested", delivery_id=event.delivery_id, channel=event.channel)
