"""An adapter said what became of a message."""

from datetime import datetime

from machi_notifications.domain.delivery import State
from machi_notifications.ports import Telling


async def note_outcome(work: Telling, delivery_id: str, state: State, reason: str, at: datetime) -> None:
    """Write the end of a delivery, never backwards; Missing when it was not requested here."""
    await work.deliveries.conclude(delivery_id, state, reason, at)
