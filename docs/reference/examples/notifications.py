"""Was the person told about a report, and what became of each message?"""

from machi.deliveries.v1.events_pb2 import DeliveryState
from machi.notifications.v1.notification_service_pb2 import ListDeliveriesRequest
from machi.notifications.v1.notification_service_pb2_grpc import NotificationServiceStub
from machi_sdk.rpc import Peers, for_tenant


async def told(peers: Peers, report_id: str) -> list[tuple[str, str]]:
    """What caused each message, and its state."""
    stub = NotificationServiceStub(peers.channel("notifications"))
    request = ListDeliveriesRequest(thread=report_id)
    answer = await stub.ListDeliveries(request, timeout=3.0, metadata=for_tenant("fukuoka"))
    return [(each.cause, DeliveryState.Name(each.state)) for each in answer.deliveries]
