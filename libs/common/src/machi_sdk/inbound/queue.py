"""The dispatcher: up to 64 people at once, each in order; failing ones wait and are told once."""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from machi_sdk.envelope import Received
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.inbound.events import EventRows, PendingEvent
from machi_sdk.telemetry import Waiting, gauge, get_logger, histogram, remote_span
from machi_sdk.waking import woken
from machi_sdk.work import Work, Works

_AT_ONCE = 64
_BRISK_AT_ONCE = 6  # beyond this, more at once only makes everything slower, the webhook's answers too
_BRISK_SECONDS = 0.1
_POLL_SECONDS = 0.25
_RENEW_SECONDS = 2.5
_PUT_OFF_SECONDS = 1.0  # what one lost connection may keep the leases of all others from being renewed
_TELL_AFTER_SECONDS = 8.0
_TOLD_AT_ONCE = 25  # a flood must not spend its time on saying that there is a flood
_LONGEST_WAIT = 4.0
_RARELY = 60.0
_SHARE_OF_AGE = 1 / 30  # who has waited for long waits that much longer at most
_GIVE_UP_AFTER = 8  # failures that nobody foresaw; waiting for what is down counts nothing
_FORGET_SECONDS = 3600.0

log = get_logger()


class EventHandler(Protocol):
    """What an adapter does with one event."""

    def foresee(self, event: PendingEvent) -> None:
        """The event is about to be committed and handled: what its handling asks first may be asked meanwhile."""
        ...

    async def handle(self, event: PendingEvent) -> None:
        """Take the event to its end (`event.mark`); Unavailable puts it off, in order."""
        ...

    async def say_waiting(self, event: PendingEvent) -> None:
        """Tell the person once that the message is here and will be answered."""
        ...


class InboundQueue:
    """Durable, ordered handling of one channel's events."""

    def __init__(self, works: Works[Work], handler: EventHandler, channel: str) -> None:
        self._rows = EventRows(works)
        self._handler = handler
        self._channel = channel
        self._awake = asyncio.Event()
        self._dispatching = self._stopped = False
        self._unclaimed = 0  # entered here and leased to nobody, as far as is known
        self._running: dict[asyncio.Task[None], float] = {}  # and when each began
        self._leased: dict[int, int] = {}  # and the count of tries it was leased with
        self._renewing = asyncio.Lock()
        self._under_way: Counter[str] = Counter()  # by tenant
        self._surprises: dict[int, int] = {}
        self._waiting = Waiting()

    async def accept(self, records: Sequence[Received], work: Work) -> None:
        """The consumer's handler: enter the events; what there is room for is handled right after the commit."""
        room = max(self._free_places(), 0) if self._dispatching and not self._stopped else 0
        leased, unclaimed = await self._rows.accept(records, work, room)
        for event in leased:
            self._handler.foresee(event)
        work.then(partial(self._begin, leased))
        work.then(partial(self._left_over, unclaimed))

    def stop(self) -> None:
        """Begin nothing new; `run` ends once what was begun is at its end."""
        self._stopped = True
        self._awake.set()

    async def run(self) -> None:
        """Dispatch until stopped or cancelled."""
        renewing = asyncio.create_task(self._renew())
        self._dispatching = True
        try:
            while not self._stopped:
                self._awake.clear()
                claimed = await self._claim()
                if not claimed:
                    await self._rest()
            while self._running:
                await asyncio.wait(self._running)
        finally:
            self._dispatching = False
            renewing.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(renewing, *self._running, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._renewing:
                    await self._rows.renew(dict(self._leased))
            except Unavailable as error:
                log.warning("inbound leases not renewed", reason=error.slug)
            except Exception as error:
                log.exception("inbound leases not renewed", error=type(error).__name__)

    async def watch(self) -> None:
        """Beside `run`: tell people who wait, count, forget."""
        next_forget = 0.0
        while True:
            await asyncio.sleep(1.0)
            try:
                late = await self._rows.late(_TELL_AFTER_SECONDS, _TOLD_AT_ONCE)
                await asyncio.gather(*(self._tell(event) for event in late))
                counts = await self._rows.open_by_state()
                for state in ("received", "turned", "replying", "waiting"):
                    gauge("machi_inbound_open").labels(state).set(counts.get(state, 0))
                waiting = await self._rows.waiting()
                self._waiting.tell({("events", reason): n for reason, n in waiting.items()})
                now = asyncio.get_running_loop().time()
                if now >= next_forget:
                    next_forget = now + _FORGET_SECONDS
                    await self._rows.forget()
            except Unavailable as error:
                log.warning("inbound watch paused", reason=error.slug)

    def _free_places(self) -> int:
        """Work that takes its normal time shares few places; what waits for a hung pod holds up to all the others."""
        soon = asyncio.get_running_loop().time() - _BRISK_SECONDS
        brisk = sum(began > soon for began in self._running.values())
        return min(_AT_ONCE - len(self._running), _BRISK_AT_ONCE - brisk)

    async def _claim(self) -> int:
        free = self._free_places()
        if free <= 0:
            return 0
        known = self._unclaimed
        try:
            events = await self._rows.claim(free, self._under_way)
        except Unavailable as error:
            log.warning("inbound paused", reason=error.slug)
            return 0
        self._begin(events)
        # A claim that filled its places may have left more; after one that found nothing beside nothing, none is left.
        first_tries = sum(event.tries == 1 for event in events)  # what waited for its next try was not counted
        left = max(known - first_tries, int(len(events) == free)) if self._running else 0
        self._unclaimed += left - known
        return len(events)

    def _left_over(self, unclaimed: int) -> None:
        if unclaimed:
            self._unclaimed += unclaimed
            self._awake.set()

    def _begin(self, events: Sequence[PendingEvent]) -> None:
        """Handle what was leased; a dispatcher that ended meanwhile leaves it to its lease."""
        for event in events if self._dispatching else ():
            task = asyncio.create_task(self._handle(event))
            # Who was put off before waits for what is down or full: it takes none of the places of those who need not.
            self._running[task] = asyncio.get_running_loop().time() if event.tries == 1 else -math.inf
            self._leased[event.id] = event.tries
            self._under_way[event.tenant] += 1
            task.add_done_callback(partial(self._ended, event))

    def _ended(self, event: PendingEvent, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._no_more(event)
        self._under_way[event.tenant] -= 1
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("inbound task failed", error=type(error).__name__)
        if self._unclaimed:
            self._awake.set()

    async def _rest(self) -> None:
        # A place comes free without a sign when what holds it turns out to be slow.
        wanted = self._unclaimed and self._free_places() <= 0
        seconds = _BRISK_SECONDS / 2 if wanted else _POLL_SECONDS
        await woken(self._awake, seconds)

    async def _handle(self, event: PendingEvent) -> None:
        with remote_span(f"{self._channel} inbound", event.trace, event_id=event.event.event_id):
            try:
                await self._attempt(event)
            except Unavailable as error:
                # The database itself is away: the lease runs out and the event comes again.
                log.warning("inbound left to its lease", reason=error.slug)

    async def _attempt(self, event: PendingEvent) -> None:
        try:
            await self._handler.handle(event)
        except Unavailable as error:
            log.warning("inbound waits", reason=error.slug, event_id=event.event.event_id, tries=event.tries)
            await self._put_off(event, _pause(event), error.slug)
        except MachiError as error:
            log.error("inbound failed", reason=error.slug, event_id=event.event.event_id)
            await event.mark("failed", error.slug)
        except Exception as error:
            name = type(error).__name__
            log.exception("inbound handler failed", error=name, event_id=event.event.event_id)
            self._surprises[event.id] = self._surprises.get(event.id, 0) + 1
            if self._surprises[event.id] < _GIVE_UP_AFTER:
                await self._put_off(event, _LONGEST_WAIT, name)
            else:
                await event.mark("failed", name)
        if event.state not in ("waiting", "received"):
            waited = max(event.age.total_seconds(), 0.0)
            histogram("machi_inbound_seconds").labels(self._channel, event.state).observe(waited)
            self._surprises.pop(event.id, None)

    async def _put_off(self, event: PendingEvent, seconds: float, reason: str) -> None:
        self._no_more(event)
        try:
            # No renewal may prolong the wait, one under way neither.
            async with self._renewing, asyncio.timeout(_PUT_OFF_SECONDS):
                await event.wait(seconds, reason)
        except TimeoutError as error:
            raise Unavailable("database-unavailable") from error

    def _no_more(self, event: PendingEvent) -> None:
        """Renew this try's lease no more; one that came after its lease had run out has its own."""
        if self._leased.get(event.id) == event.tries:
            del self._leased[event.id]

    async def _tell(self, event: PendingEvent) -> None:
        with remote_span(f"{self._channel} say waiting", event.trace):
            try:
                await self._handler.say_waiting(event)
            except MachiError as error:
                log.warning("waiting notice failed", reason=error.slug)
            except Exception as error:
                log.exception("waiting notice failed", error=type(error).__name__)


def _pause(event: PendingEvent) -> float:
    """How many seconds to wait before the next try: few at first, then more the longer the person has waited."""
    longest = max(_LONGEST_WAIT, min(event.age.total_seconds() * _SHARE_OF_AGE, _RARELY))
    return float(min(0.25 * 2 ** min(event.tries, 8), longest))
