"""Messages into direct conversations, each once: an unclear try is looked for by its mark before it is repeated."""

from dataclasses import dataclass
from datetime import datetime

from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.ports import Pace, Slack


@dataclass(frozen=True)
class DirectMessages:
    """Writes to the people of one workspace."""

    slack: Slack
    pace: Pace

    async def post(self, user: str, message: SlackMessage, place: str = "") -> None:
        """Write to a person, into `place` where their direct conversation is known."""
        await self.pace.turn(user)
        await self.slack.post(place or user, message)

    async def post_once(self, user: str, message: SlackMessage, first_at: datetime | None, place: str = "") -> bool:
        """The same; False when a try begun at `first_at` had done it already."""
        if first_at is not None and message.mark is not None:
            channel = place or await self.slack.direct(user)
            if await self.slack.find(channel, message.mark, first_at):
                return False
        await self.post(user, message, place)
        return True
