"""Looks at the home tab come in, and officers' own presses make it new."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from machi_channel_slack.ports import SlackLimited, SlackRefused
from machi_channel_slack.use_cases.show_home import Lobby, show_home
from machi_sdk.clock import Clock
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.inbound import PendingEvent
from machi_sdk.telemetry import get_logger

# Who looked that long ago looks at something else by now.
_SHOWN_WITHIN = timedelta(seconds=60)
_PAUSE = 1.0
_MOST_WAITING = 500

log = get_logger()


@dataclass
class _Line:
    """Who waits in one workspace: in order, each once."""

    waiting: dict[str, None] = field(default_factory=dict)
    awake: asyncio.Event = field(default_factory=asyncio.Event)


class Homes:
    """`machi_sdk.inbound.EventHandler`, and a worker per workspace that shows officers' pages after they acted."""

    def __init__(self, lobbies: Mapping[str, Lobby], clock: Clock) -> None:
        self._lobbies = lobbies
        self._clock = clock
        self._lines = {tenant: _Line() for tenant in lobbies}

    def foresee(self, event: PendingEvent) -> None:
        """Nothing is asked ahead."""

    async def handle(self, event: PendingEvent) -> None:
        """Show the page; Unavailable is tried again while somebody may still look at it."""
        try:
            await show_home(event.event.address, self._lobbies[event.tenant])
        except SlackRefused as error:
            log.warning("home not shown", reason=error.slug)
            await event.mark("done", error.slug)
        except Unavailable as error:
            if self._clock.now() - event.received_at < _SHOWN_WITHIN:
                raise
            await event.mark("unknown", error.slug)
        else:
            await event.mark("done")

    async def say_waiting(self, event: PendingEvent) -> None:
        """Nothing: the page comes, or is asked for again."""

    def soon(self, tenant: str, address: str) -> None:
        """The person did something: show their page anew, once for all that they do until then."""
        line = self._lines[tenant]
        if len(line.waiting) < _MOST_WAITING:
            line.waiting[address] = None
            line.awake.set()

    async def run(self) -> None:
        """Show pages; no workspace waits for another one."""
        async with asyncio.TaskGroup() as group:
            for tenant, line in self._lines.items():
                group.create_task(self._work(tenant, line))

    async def _work(self, tenant: str, line: _Line) -> None:
        """One page a second at most, so that views.publish stays within Slack's pace; what fails is not repeated."""
        while True:
            await line.awake.wait()
            await asyncio.sleep(_PAUSE)
            address = next(iter(line.waiting))
            del line.waiting[address]
            if not line.waiting:
                line.awake.clear()
            await self._refresh(tenant, address)

    async def _refresh(self, tenant: str, address: str) -> None:
        try:
            await show_home(address, self._lobbies[tenant])
        except SlackLimited as error:
            await asyncio.sleep(error.after)
        except MachiError as error:
            log.warning("home not shown anew", reason=error.slug)
