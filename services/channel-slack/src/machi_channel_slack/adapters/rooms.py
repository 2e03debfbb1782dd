"""The channels of desks: found by name, joined, made where missing, remembered."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from machi_channel_slack.adapters.slack_api import ListedRoom, SlackApi
from machi_channel_slack.domain.cards import Desk
from machi_channel_slack.ports import SlackRefused
from machi_sdk.errors import Unavailable
from machi_sdk.telemetry import get_logger

_INVITE_AGAIN = 60.0

Members = Callable[[str], Awaitable[list[str]]]

log = get_logger()


class SlackRooms:
    """`ports.Rooms` of one workspace; `members` names the Slack users who work at a desk.

    Slack lets channels be listed twenty times a minute: one list serves all desks.
    """

    def __init__(self, slack: SlackApi, members: Members) -> None:
        self._slack = slack
        self._members = members
        self._known: dict[str, str] = {}
        self._listed: dict[str, ListedRoom] | None = None
        self._asking = asyncio.Lock()
        self._invite_at: dict[str, float] = {}

    async def of(self, desk: Desk) -> str:
        """The id of the desk's channel; Unavailable while its name belongs to a channel we can't see."""
        channel = self._known.get(desk.name)
        if channel is None:
            async with self._asking:
                channel = await self._look_up(desk)
        if self._invite_at.get(desk.name, math.inf) <= asyncio.get_running_loop().time():
            await self._invite(desk, channel)  # meanwhile it may be forgotten again
        return channel

    def forget(self, desk: Desk) -> None:
        """Look the desk's channel up anew."""
        self._known.pop(desk.name, None)
        self._listed = None

    async def _look_up(self, desk: Desk) -> str:
        known = self._known.get(desk.name)  # whoever asked before may have asked for the same
        channel = known or await self._find(desk) or await self._make(desk)
        self._known[desk.name] = channel
        return channel

    async def _find(self, desk: Desk) -> str:
        if self._listed is None:
            self._listed = await self._slack.channels()
        room = self._listed.get(desk.name)
        if room is None:
            return ""
        if not room.is_member:
            await self._join(room.channel)
        if room.is_alone:  # as where we ended between making it and inviting them
            self._invite_at.setdefault(desk.name, 0.0)
        return room.channel

    async def _join(self, channel: str) -> None:
        try:
            await self._slack.join(channel)
        except SlackRefused:
            self._listed = None  # it may be another one by now
            raise

    async def _make(self, desk: Desk) -> str:
        try:
            channel = await self._slack.create(desk.name)
        except SlackRefused as error:
            if error.error != "name_taken":
                raise
            self._listed = None
            found = await self._find(desk)
            if not found:
                raise Unavailable(
                    "slack-channel-name-taken", f"#{desk.name} is archived, or private and closed to us"
                ) from error
            return found
        self._invite_at[desk.name] = 0.0
        return channel

    async def _invite(self, desk: Desk, channel: str) -> None:
        """Bring the desk's officers into its new channel; who cannot be asked for now is asked for later."""
        self._invite_at[desk.name] = asyncio.get_running_loop().time() + _INVITE_AGAIN
        try:
            users = await self._members(desk.desk_id)
            if not users:
                return
            await self._slack.invite(channel, users)
        except (SlackRefused, Unavailable) as error:
            log.warning("officers not invited", desk=desk.desk_id, reason=error.slug)
            if isinstance(error, Unavailable) or error.mendable:
                return
        del self._invite_at[desk.name]
