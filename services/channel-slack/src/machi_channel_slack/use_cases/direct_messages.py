"""Messages into direct conversations, each once: an unclear try is looked for by its mark before it is repeated."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.ports import Pace, Slack, SlackRefused

_NO_THREAD = {"cannot_reply_to_message", "thread_not_found"}


@dataclass(frozen=True)
class DirectMessages:
    """Writes to the people of one workspace."""

    slack: Slack
    pace: Pace

    async def post(self, user: str, message: SlackMessage, place: str = "", thread_ts: str = "") -> None:
        """Write to a person, into `place` where their direct conversation is known, and a thread of it."""
        await self.pace.turn(user)
        await _if_need_be_outside(thread_ts, partial(self.slack.post, place or user, message))

    async def post_once(
        self, user: str, message: SlackMessage, first_at: datetime | None, place: str = "", thread_ts: str = ""
    ) -> bool:
        """The same; False when a try begun at `first_at` had done it already."""
        if first_at is not None and message.mark is not None:
            channel = place or await self.slack.direct(user)
            if await _if_need_be_outside(thread_ts, partial(self.slack.find, channel, message.mark, first_at)):
                return False
        await self.post(user, message, place, thread_ts)
        return True


async def _if_need_be_outside(thread_ts: str, done: Callable[[str], Awaitable[str]]) -> str:
    """Do it in the thread; where that is gone with its first message, in the conversation itself."""
    try:
        return await done(thread_ts)
    except SlackRefused as error:
        if not thread_ts or error.error not in _NO_THREAD:
            raise
    return await done("")
