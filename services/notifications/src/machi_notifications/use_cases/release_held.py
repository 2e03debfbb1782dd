"""The quiet hours are over: what was held goes out."""

from dataclasses import replace

from machi_notifications.domain.delivery import TOO_OLD, State
from machi_notifications.ports import Telling
from machi_sdk.telemetry import remote_span

_AT_ONCE = 100


async def release_held(work: Telling) -> int:
    """Request what is due, each on the trace of its fact, end what became too old; returns how many left the hold."""
    now = work.clock.now()
    due = await work.deliveries.due(now, _AT_ONCE)
    for held in due:
        delivery_id = held.delivery.delivery_id
        with remote_span("held message", held.trace):
            if held.delivery.send_before <= now:
                await work.deliveries.conclude(delivery_id, State.EXPIRED, TOO_OLD, now)
                work.end(replace(held.delivery, state=State.EXPIRED, reason=TOO_OLD))
            else:
                work.request(held.letter)
                await work.deliveries.release(delivery_id)
    return len(due)
