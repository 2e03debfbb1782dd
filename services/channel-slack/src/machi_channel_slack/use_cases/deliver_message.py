"""Deliveries into the direct conversation with a resident."""

from dataclasses import dataclass
from datetime import datetime

from machi_channel_slack.domain.address import SlackAddress
from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.ports import SlackLimited, SlackRefused, SlackUncertain
from machi_channel_slack.rendering.reply import notice_message
from machi_channel_slack.use_cases.direct_messages import DirectMessages
from machi_sdk.deliveries import Accepted, Attempt, NotTaken, Outcome, Refused, Unclear


@dataclass(frozen=True)
class DeliverMessage:
    """`machi_sdk.deliveries.Outlet`; Slack knows no silent messages, so `quiet` changes nothing."""

    directs: DirectMessages

    async def deliver(self, attempt: Attempt) -> Outcome:
        """Post it, unless an earlier attempt did."""
        message = notice_message(attempt.request.messages, attempt.request.delivery_id)
        if message is None:
            return Refused("nothing-to-say")
        user = SlackAddress.read(attempt.address).user
        return await self._posted(user, message, attempt.first_at)

    async def _posted(self, user: str, message: SlackMessage, first_at: datetime | None) -> Outcome:
        try:
            await self.directs.post_once(user, message, first_at)
        except SlackRefused as error:
            whole = error.error != "user_is_restricted"
            return NotTaken(error.slug, whole_account=whole) if error.mendable else Refused(error.slug)
        except SlackLimited as error:
            return NotTaken(error.slug)
        except SlackUncertain as error:
            return Unclear(error.slug)
        return Accepted()
