"""What became of each message comes in."""

from collections.abc import Sequence
from datetime import UTC

from machi.deliveries.v1.events_pb2 import DeliveryConcluded, DeliveryState
from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.domain.delivery import State
from machi_notifications.use_cases.note_outcome import note_outcome
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid

STATES = {
    DeliveryState.DELIVERY_STATE_REQUESTED: State.REQUESTED,
    DeliveryState.DELIVERY_STATE_HELD: State.HELD,
    DeliveryState.DELIVERY_STATE_REFUSED: State.REFUSED,
    DeliveryState.DELIVERY_STATE_ACCEPTED: State.ACCEPTED,
    DeliveryState.DELIVERY_STATE_FAILED: State.FAILED,
    DeliveryState.DELIVERY_STATE_UNKNOWN: State.UNKNOWN,
    DeliveryState.DELIVERY_STATE_EXPIRED: State.EXPIRED,
    DeliveryState.DELIVERY_STATE_SUPERSEDED: State.SUPERSEDED,
}


async def take_outcomes(records: Sequence[Received], work: NotificationsWork) -> None:
    """Write each outcome to its delivery."""
    for record in records:
        event = record.event
        if not isinstance(event, DeliveryConcluded):
            raise Invalid("event-type-unknown")
        state = STATES.get(event.state)
        if state in (None, State.REQUESTED, State.HELD):
            raise Invalid("outcome-without-end")
        await note_outcome(work, event.delivery_id, state, event.reason, event.occurred_at.ToDatetime(UTC))
