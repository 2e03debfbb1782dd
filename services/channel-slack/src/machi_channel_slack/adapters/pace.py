"""How often: a message a second per channel, with a short burst where allowed; forty changes a minute per workspace."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count

from aiolimiter import AsyncLimiter

from machi_channel_slack.ports import Look, Pace, Rank
from machi_sdk.clock import Clock
from machi_sdk.ids import new_id
from machi_sdk.work import Work, Works

# Conversations that are silent are forgotten once there are so many.
MOST_KNOWN = 5_000
MOST_A_MINUTE = 40
# What an officer waits for finds room even while the background uses all of its own.
KEPT_FREE = 4
# A turn is used some moments after it was given; a minute stays a minute on Slack's side.
MINUTE = timedelta(seconds=63)
_LOOK_SECONDS = 0.5
_LOOKS_OF_A_RANK = 4  # in a storm many wait, and each look at a rank asks the database

_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('slots/' || $1, 2))"
_FORGET = "DELETE FROM slots WHERE tenant = $1 AND at <= $2"
_TAKE = """
INSERT INTO slots (tenant, slot_id, at)
SELECT $1::varchar, $2::varchar, $3::timestamptz WHERE (SELECT count(*) FROM slots WHERE tenant = $1) < $4
RETURNING true
"""


class ChannelPace:
    """`ports.Pace` of single channels."""

    def __init__(self, burst: int = 1) -> None:
        self._burst = burst
        self._channels: dict[str, AsyncLimiter] = {}

    async def turn(self, channel: str) -> None:
        """Wait for the channel's next turn."""
        if channel not in self._channels:
            self._forget()
            self._channels[channel] = AsyncLimiter(self._burst, self._burst)
        await self._channels[channel].acquire()

    def _forget(self) -> None:
        if len(self._channels) >= MOST_KNOWN:
            known = self._channels.items()
            self._channels = {name: each for name, each in known if not each.has_capacity(self._burst)}


class WorkspaceTurns:
    """The workspace's turns of the last minute, in the database: a pod that died has used what it used."""

    def __init__(self, works: Works[Work], tenant: str) -> None:
        self._works = works
        self._tenant = tenant

    async def take(self, now: datetime, most: int) -> bool:
        """Take a turn, while fewer than so many were taken within the minute."""
        async with self._works.begin(self._tenant) as work:
            await work.db.execute(_ONE_BY_ONE, self._tenant)
            await work.db.execute(_FORGET, self._tenant, now - MINUTE)
            return bool(await work.db.fetchval(_TAKE, self._tenant, new_id(), now, most))


class WorkspacePace:
    """`ports.DeskPace` of a workspace's desks: Slack counts new messages by channel, changes by workspace."""

    def __init__(
        self,
        channels: Pace,
        turns: WorkspaceTurns,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._channels = channels
        self._turns = turns
        self._clock = clock
        self._sleep = sleep
        self._line: dict[int, Rank] = {}
        self._places = count()
        self._asking = asyncio.Lock()

    async def turn(self, channel: str) -> None:
        """Wait for the channel's turn."""
        await self._channels.turn(channel)

    async def change(self, rank: Rank, anew: Look | None = None) -> None:
        """Wait for one of the workspace's turns, behind whatever goes first; `anew` says its rank while it waits."""
        place, looks = next(self._places), count(1)
        try:
            while not await self._has_turn(place, rank):
                await self._sleep(_LOOK_SECONDS)
                if anew and next(looks) % _LOOKS_OF_A_RANK == 0:
                    rank = await anew()
        finally:
            del self._line[place]

    async def _has_turn(self, place: int, rank: Rank) -> bool:
        """The first in line asks for all; what somebody waits for may use what the rest leaves free."""
        most = MOST_A_MINUTE if rank is Rank.AWAITED else MOST_A_MINUTE - KEPT_FREE
        self._line[place] = rank
        async with self._asking:
            first = min(self._line, key=lambda each: (self._line[each], each))
            return first == place and await self._turns.take(self._clock.now(), most)
