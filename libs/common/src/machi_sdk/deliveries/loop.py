"""Delivery requests in from Kafka, and the loop that attempts them: many people at once, each in order."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from machi_sdk.deliveries.rows import DeliveryRows, Open
from machi_sdk.deliveries.sending import SendDelivery
from machi_sdk.envelope import Received
from machi_sdk.errors import MachiError
from machi_sdk.telemetry import Waiting, get_logger, remote_span
from machi_sdk.work import Work

AT_ONCE = 32
POLL_SECONDS = 0.5
ATTEMPT_SECONDS = 10.0
FORGET_SECONDS = 3600.0
WATCH_SECONDS = 5.0

log = get_logger()


class DeliveryLoop:
    """Claims what is due and attempts it."""

    def __init__(self, rows: DeliveryRows, sender: SendDelivery, tenants: Sequence[str]) -> None:
        self._rows = rows
        self._sender = sender
        self._tenants = tuple(tenants)
        self._awake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    async def accept(self, records: Sequence[Received], work: Work) -> None:
        """The consumer's handler: enter requests, wake the loop after the commit."""
        await self._rows.accept(records, work)
        work.then(self._awake.set)

    async def run(self) -> None:
        """Attempt until cancelled; what was begun is left to its lease."""
        try:
            while True:
                self._awake.clear()
                if not await self._claim():
                    await self._rest()
        finally:
            for task in self._running:
                task.cancel()

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
                await self._rows.forget(tenant)
            await asyncio.sleep(FORGET_SECONDS)

    async def _claim(self) -> int:
        claimed = 0
        for tenant in self._tenants:
            free = AT_ONCE - len(self._running)
            if free <= 0:
                return claimed
            try:
                found = await self._rows.claim(tenant, free)
            except MachiError as error:
                log.warning("deliveries paused", reason=error.slug)
                return 0
            claimed += len(found)
            for delivery in found:
                task = asyncio.create_task(self._attempt(delivery))
                self._running.add(task)
                task.add_done_callback(self._ended)
        return claimed

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._awake.set()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _attempt(self, delivery: Open) -> None:
        with remote_span(f"{self._rows.channel} delivery", delivery.trace):
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await self._sender.attempt(delivery)
            except (MachiError, TimeoutError) as error:
                # The database is away, or everything is slow: the lease runs out and it is attempted again.
                name = type(error).__name__
                log.warning("delivery left to its lease", delivery_id=delivery.request.delivery_id, error=name)
