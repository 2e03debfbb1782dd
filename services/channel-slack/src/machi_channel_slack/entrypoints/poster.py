"""The clock comes in: whatever is not shown yet is shown, a worker per desk and lane."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import asyncpg

from machi_channel_slack.domain.cards import CardKey, Lane
from machi_channel_slack.domain.digests import DigestKey
from machi_channel_slack.entrypoints.jobs import next_job, show_or_put_off
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.database import Database
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.telemetry import Waiting, get_logger, remote_span
from machi_sdk.waking import woken

_LEASE = 0x736C_6163  # one advisory lock id: the database itself scopes it
_TAKE_LEASE = "SELECT pg_try_advisory_lock($1)"
_WATCH_SECONDS = 2.0

log = get_logger()


class Poster:
    """One replica at a time shows cards (a lease on an unpooled connection), so that a channel has one pace."""

    def __init__(self, database: Database, halls: Mapping[str, Hall], look_seconds: float = 0.5) -> None:
        self._database = database
        self._halls = halls
        self._look_seconds = look_seconds
        self._awake = asyncio.Event()
        self._stopped = False
        self._workers: dict[tuple[str, str, Lane], asyncio.Task[None]] = {}
        self._asked_again: set[tuple[str, str, Lane]] = set()
        self._doing: set[CardKey | DigestKey] = set()

    def wake(self) -> None:
        """There may be something to show."""
        self._awake.set()

    def stop(self) -> None:
        """Begin nothing new; `run` ends once what was begun is at its end."""
        self._stopped = True
        self._awake.set()

    async def run(self) -> None:
        """Take the lease and show cards until stopped; a lost database is waited for."""
        while not self._stopped:
            try:
                connection = await self._database.connect()
                try:
                    await self._lead(connection)
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
                log.warning("poster paused", error=type(error).__name__)
                await asyncio.sleep(1)

    async def watch(self) -> None:
        """Beside `run`: tell what was tried in vain."""
        waiting = Waiting()
        while True:
            counts: Counter[tuple[str, str]] = Counter()
            with suppress(MachiError):
                for tenant, hall in self._halls.items():
                    found = await hall.cards.waiting(tenant)
                    counts.update({(f"cards of {desk}", reason): n for (desk, reason), n in found.items()})
                waiting.tell(counts)
            await asyncio.sleep(_WATCH_SECONDS)

    async def _lead(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while not await connection.fetchval(_TAKE_LEASE, _LEASE):
            if self._stopped:
                return
            await asyncio.sleep(1)
        try:
            while not self._stopped:
                self._awake.clear()
                await connection.fetchval("SELECT 1")
                await self._start_workers()
                await woken(self._awake, self._look_seconds)
            await asyncio.gather(*self._workers.values(), return_exceptions=True)
        finally:
            await self._stop_workers()

    async def _start_workers(self) -> None:
        for tenant, hall in self._halls.items():
            for desk_id, lane in await hall.cards.due(tenant, hall.clock.now()):
                self._start_worker((tenant, desk_id, lane))

    def _start_worker(self, key: tuple[str, str, Lane]) -> None:
        if key in self._workers:
            self._asked_again.add(key)  # it may have looked for its next card right before this one was there
            return
        task = asyncio.create_task(self._work(*key), name=f"cards of {key[1]}, {key[2]}")
        self._workers[key] = task
        task.add_done_callback(partial(self._ended, key))

    async def _stop_workers(self) -> None:
        workers = list(self._workers.values())
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _ended(self, key: tuple[str, str, Lane], task: "asyncio.Task[None]") -> None:
        self._workers.pop(key, None)
        if key in self._asked_again:
            self._asked_again.discard(key)
            self.wake()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("desk's cards stopped", desk=key[1], error=type(error).__name__, exc_info=error)

    async def _work(self, tenant: str, desk_id: str, lane: Lane) -> None:
        hall = self._halls[tenant]
        while not self._stopped and (job := await next_job(lane, tenant, desk_id, hall, self._doing)) is not None:
            if job.key in self._doing:
                return  # the other worker is at it; whoever looks next finds what it left
            self._doing.add(job.key)
            try:
                with remote_span("show card", job.trace):
                    await show_or_put_off(job, hall.clock)
            finally:
                self._doing.discard(job.key)
