"""Deliveries into the direct conversation with a resident."""

from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_slack.domain.address import CHANNEL, SlackAddress
from machi_channel_slack.ports import SlackLimited, SlackRefused, SlackUncertain
from machi_channel_slack.rendering.reply import notice_message
from machi_channel_slack.use_cases.direct_messages import DirectMessages
from machi_sdk.clock import Clock, stamp
from machi_sdk.conversation import People
from machi_sdk.deliveries import Accepted, Attempt, NotTaken, Outcome, Refused, Unclear
from machi_sdk.errors import Unavailable

# The person is gone, or their direct conversation with the app.
_AWAY = {
    *("cannot_dm_bot", "channel_not_found", "is_archived", "is_inactive", "not_in_channel"),
    *("user_disabled", "user_not_found", "user_not_visible", "users_not_found"),
}


@dataclass(frozen=True)
class DeliverMessage:
    """`machi_sdk.deliveries.Outlet`; Slack knows no silent messages, so `quiet` changes nothing."""

    directs: DirectMessages
    people: People
    clock: Clock

    async def deliver(self, attempt: Attempt) -> Outcome:
        """Post it, unless an earlier attempt did."""
        message = notice_message(attempt.request.messages, attempt.request.delivery_id)
        if message is None:
            return Refused("nothing-to-say")
        try:
            await self.directs.post_once(SlackAddress.read(attempt.address).user, message, attempt.first_at)
        except SlackRefused as error:
            return await self._refused(attempt, error)
        except SlackLimited as error:
            return NotTaken(error.slug)
        except SlackUncertain as error:
            return Unclear(error.slug)
        return Accepted()

    async def _refused(self, attempt: Attempt, error: SlackRefused) -> Outcome:
        if error.mendable:
            return NotTaken(error.slug, whole_account=error.error != "user_is_restricted")
        if error.error in _AWAY:
            try:
                await self.people.reachable(attempt.tenant, self._gone(attempt))
            except Unavailable as silent:
                return NotTaken(silent.slug)  # Slack says it again
        return Refused(error.slug)

    def _gone(self, attempt: Attempt) -> InboundEvent:
        """What other platforms tell by an event, Slack tells by its refusal only."""
        request = attempt.request
        event = InboundEvent(event_id=request.delivery_id, channel=CHANNEL, address=attempt.address)
        event.occurred_at.CopyFrom(stamp(self.clock.now()))
        event.unfollowed.SetInParent()
        return event
