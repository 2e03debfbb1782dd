"""The pod's unit of work."""

from functools import cached_property

from machi.deliveries.v1.events_pb2 import DeliveryConcluded, DeliveryRequested, DeliveryState
from machi_notifications.adapters.deliveries import PostgresDeliveries
from machi_notifications.domain.delivery import Delivery
from machi_sdk.aliases import move_of
from machi_sdk.clock import stamp
from machi_sdk.work import Work

OUTCOMES = "machi.deliveries.outcomes.v1"
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

    def end(self, delivery: Delivery) -> None:
        """Let all who wait for its end learn with this commit that it was never sent."""
        ended = DeliveryConcluded(
            delivery_id=delivery.delivery_id,
            citizen_id=delivery.citizen_id,
            channel=delivery.channel,
            state=DeliveryState.Value(f"DELIVERY_STATE_{delivery.state.name}"),
            reason=delivery.reason,
            occurred_at=stamp(self.clock.now()),
            thread=delivery.thread,
            version=delivery.version,
        )
        self.emit(OUTCOMES, delivery.citizen_id, ended)
        self.hop(f"delivery-{delivery.state}", delivery_id=delivery.delivery_id, reason=delivery.reason)
