"""The quiet hours are over: what was held goes out."""

from machi_notifications.domain.delivery import State
from machi_notifications.ports import Telling

_AT_ONCE = 100


async def release_held(work: Telling) -> int:
    """Request what is due, end what became too old; returns how many left the hold."""
    now = work.clock.now()
    due = await work.deliveries.due(now, _AT_ONCE)
    for delivery, letter in due:
        if delivery.send_before <= now:
            await work.deliveries.conclude(delivery.delivery_id, State.EXPIRED, "too-old", now)
        else:
            work.request(letter)
            await work.deliveries.release(delivery.delivery_id)
    return len(due)
