"""Delivery requests in from Kafka, and the loop that attempts them: many people at once, each in order."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from machi_sdk.deliveries.rows import DeliveryRows, Open
from machi_sdk.deliveries.sending import SendDelivery
from machi_sdk.envelope import Received
from machi_sdk.errors import MachiError
from machi_sdk.rounds import by_itself
from machi_sdk.telemetry import Waiting, get_logger, remote_span
from machi_sdk.waking import woken
from machi_sdk.work import Work

AT_ONCE = 32
POLL_SECONDS = 0.5
ATTEMPT_SECONDS = 10.0
FORGET_SECONDS = 3600.0
WATCH_SECONDS = 5.0
GIVE_UP_AFTER = 8  # failures in a row that nobody foresaw; waiting for what is down counts nothing
UNFORESEEN = "unforeseen"

log = get_logger()


class DeliveryLoop:
    """Claims what is due and attempts it."""

    def __init__(self, rows: DeliveryRows, sender: SendDelivery, tenants: Sequence[str]) -> None:
        self._rows = rows
        self._sender = sender
        self._tenants = tuple(tenants)
        self._awake = asyncio.Event()
        self._stopped = False
        self._running: dict[asyncio.Task[None], str] = {}  # and for which tenant
        self._surprises: Counter[tuple[str, str]] = Counter()

    async def accept(self, records: Sequence[Received], work: Work) -> None:
        """The consumer's handler: enter requests, wake the loop after the commit."""
        await self._rows.accept(records, work)
        work.then(self._awake.set)

    def stop(self) -> None:
        """Begin nothing new; `run` ends once what was begun is at its end."""
        self._stopped = True
        self._awake.set()

    async def run(self) -> None:
        """Attempt until stopped; when it is cancelled, what was begun is left to its lease."""
        try:
            while not self._stopped:
                self._awake.clear()
                if not await self._claim():
                    await woken(self._awake, POLL_SECONDS)
            while self._running:
                await asyncio.wait(self._running)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def watch(self) -> None:
        """Beside `run`: tell what was tried in vain."""
        waiting = Waiting()
        while True:
            counts: Counter[tuple[str, str]] = Counter()
            with suppress(MachiError):
                for tenant in self._tenants:
                    found = await self._rows.waiting(tenant)
                    counts.update({("deliveries", reason): n for reason, n in found.items()})
                waiting.tell(counts)
            await asyncio.sleep(WATCH_SECONDS)

    async def forget(self) -> None:
        """Beside `run`: remove what ended long ago."""
        while True:
            for tenant in self._tenants:
                await by_itself("old deliveries", tenant, self._rows.forget(tenant))
            await asyncio.sleep(FORGET_SECONDS)

    async def _claim(self) -> int:
        """Each tenant has its share, in turns; places that nobody else has a use for go to who has more to do."""
        self._tenants = (*self._tenants[1:], *self._tenants[:1])
        share = max(AT_ONCE // max(len(self._tenants), 1), 1)
        begun = 0
        try:
            for tenant in self._tenants:
                begun += await self._begin(tenant, share)
            for tenant in self._tenants:
                if self._held_by(tenant) >= share:
                    begun += await self._begin(tenant, AT_ONCE)
        except MachiError as error:
            log.warning("deliveries paused", reason=error.slug)
            return 0
        return begun

    async def _begin(self, tenant: str, most: int) -> int:
        """Claim and attempt what is due of a tenant that may hold `most` places."""
        free = min(AT_ONCE - len(self._running), most - self._held_by(tenant))
        found = await self._rows.claim(tenant, free) if free > 0 else []
        for delivery in found:
            task = asyncio.create_task(self._attempt(delivery))
            self._running[task] = tenant
            task.add_done_callback(self._ended)
        return len(found)

    def _held_by(self, tenant: str) -> int:
        return sum(held == tenant for held in self._running.values())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("delivery task failed", error=type(error).__name__)
        self._awake.set()

    async def _attempt(self, delivery: Open) -> None:
        with remote_span(f"{self._rows.channel} delivery", delivery.trace):
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await self._try(delivery)
            except (MachiError, TimeoutError) as error:
                # The database is away, or everything is slow: the lease runs out and it is attempted again.
                name = type(error).__name__
                log.warning("delivery left to its lease", delivery_id=delivery.request.delivery_id, error=name)

    async def _try(self, delivery: Open) -> None:
        which = (delivery.tenant, delivery.request.delivery_id)
        try:
            await self._sender.attempt(delivery)
        except (MachiError, TimeoutError):
            raise
        except Exception as error:
            log.exception("delivery failed", delivery_id=delivery.request.delivery_id, error=type(error).__name__)
            self._surprises[which] += 1
            if self._surprises[which] < GIVE_UP_AFTER:
                await self._sender.put_off(delivery, UNFORESEEN)
                return
            await self._sender.give_up(delivery, UNFORESEEN)
        self._surprises.pop(which, None)
