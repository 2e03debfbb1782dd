"""Looks at the home tab come in, and officers' own presses make it new."""

import asyncio
from collections.abc import Mapping
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


class Homes:
    """`machi_sdk.inbound.EventHandler`, and a worker that shows officers their page after they did something."""

    def __init__(self, lobbies: Mapping[str, Lobby], clock: Clock) -> None:
        self._lobbies = lobbies
        self._clock = clock
        self._waiting: dict[tuple[str, str], None] = {}  # in order, each once
        self._awake = asyncio.Event()

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
        if len(self._waiting) < _MOST_WAITING:
            self._waiting[tenant, address] = None
            self._awake.set()

    async def run(self) -> None:
        """One page a second at most, so that views.publish stays within Slack's pace; what fails is not repeated."""
        while True:
            await self._awake.wait()
            await asyncio.sleep(_PAUSE)
            tenant, address = next(iter(self._waiting))
            del self._waiting[tenant, address]
            if not self._waiting:
                self._awake.clear()
            await self._refresh(tenant, address)

    async def _refresh(self, tenant: str, address: str) -> None:
        try:
            await show_home(address, self._lobbies[tenant])
        except SlackLimited as error:
            await asyncio.sleep(error.after)
        except MachiError as error:
            log.warning("home not shown anew", reason=error.slug)
