"""Deliveries by push."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.ports import Body, Line, Pushing
from machi_sdk.deliveries import Attempt, Outcome, Refused
from machi_sdk.ids import derived_id

Render = Callable[[Sequence[neutral.Message]], Sequence[Body]]


@dataclass(frozen=True)
class DeliverMessage:
    """`machi_sdk.deliveries.Outlet`; the retry key is the delivery's, at every attempt the same."""

    line: Line
    render: Render

    async def deliver(self, attempt: Attempt) -> Outcome:
        """Push it."""
        messages = self.render(attempt.request.messages)
        if not messages:
            return Refused("nothing-to-say")
        key = derived_id("line-delivery", attempt.tenant, attempt.request.delivery_id)
        return await self.line.push(Pushing(attempt.address, messages, key, attempt.request.quiet))
