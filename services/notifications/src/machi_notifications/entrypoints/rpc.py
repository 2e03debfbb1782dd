"""NotificationService: the truth per message."""

import grpc

from machi.notifications.v1 import notification_service_pb2 as wire
from machi.notifications.v1.notification_service_pb2_grpc import NotificationServiceServicer
from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.domain.delivery import Delivery
from machi_notifications.entrypoints.outcomes import STATES
from machi_sdk.rpc import current_call
from machi_sdk.work import Works

_WIRE_STATE = {state: value for value, state in STATES.items()}


class NotificationServicer(NotificationServiceServicer):
    """Answers from the primary."""

    def __init__(self, works: Works[NotificationsWork]) -> None:
        self._works = works

    async def ListDeliveries(
        self,
        request: wire.ListDeliveriesRequest,
        context: grpc.aio.ServicerContext[wire.ListDeliveriesRequest, wire.ListDeliveriesResponse],
    ) -> wire.ListDeliveriesResponse:
        """Every delivery of one thread, oldest first."""
        async with self._works.begin(current_call().tenant) as work:
            found = await work.deliveries.of_thread(request.thread)
        return wire.ListDeliveriesResponse(deliveries=[_wire(delivery) for delivery in found])


def _wire(delivery: Delivery) -> wire.Delivery:
    answer = wire.Delivery(
        delivery_id=delivery.delivery_id,
        channel=delivery.channel,
        cause=delivery.cause,
        state=_WIRE_STATE[delivery.state],
        reason=delivery.reason,
    )
    answer.requested_at.FromDatetime(delivery.requested_at)
    if delivery.concluded_at is not None:
        answer.concluded_at.FromDatetime(delivery.concluded_at)
    return answer
