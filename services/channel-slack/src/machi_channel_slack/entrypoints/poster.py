"""The clock comes in: whatever is not shown yet is shown, a worker per desk."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import asyncpg

from machi_channel_slack.domain.cards import CardState
from machi_channel_slack.ports import SlackLimited
from machi_channel_slack.telemetry import SHOWN
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.show_card import show_card
from machi_sdk.database import Database
from machi_sdk.errors import MachiError, Missing, Unavailable
from machi_sdk.telemetry import counter, get_logger, remote_span

_LEASE = 0x736C_6163  # one advisory lock id: the database itself scopes it
_LOOK_SECONDS = 0.5
_LONGEST_WAIT = 30.0
_TRIES_WHEN_REFUSED = 5

log = get_logger()


class Poster:
    """One replica at a time shows cards (a lease on an unpooled connection), so that a channel has one pace."""

    def __init__(self, database: Database, halls: Mapping[str, Hall]) -> None:
        self._database = database
        self._halls = halls
        self._awake = asyncio.Event()
        self._workers: dict[tuple[str, str], asyncio.Task[None]] = {}

    def wake(self) -> None:
        """There may be something to show."""
        self._awake.set()

    async def run(self) -> None:
        """Take the lease and show cards until cancelled; a lost database is waited for."""
        while True:
            try:
                connection = await self._database.connect()
                try:
                    await self._lead(connection)
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
                log.warning("poster paused", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _lead(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LEASE):  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(1)
        try:
            while True:
                self._awake.clear()
                await connection.fetchval("SELECT 1")
                await self._start_workers()
                await self._rest()
        finally:
            await self._stop_workers()

    async def _start_workers(self) -> None:
        for tenant, hall in self._halls.items():
            for desk_id in await hall.board.due_desks(tenant, hall.clock.now()):
                if (tenant, desk_id) not in self._workers:
                    task = asyncio.create_task(self._work(tenant, desk_id), name=f"cards of {desk_id}")
                    self._workers[tenant, desk_id] = task
                    task.add_done_callback(partial(self._ended, (tenant, desk_id)))

    async def _stop_workers(self) -> None:
        workers = list(self._workers.values())
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _ended(self, key: tuple[str, str], task: "asyncio.Task[None]") -> None:
        self._workers.pop(key, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("desk's cards stopped", desk=key[1], error=type(error).__name__, exc_info=error)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _work(self, tenant: str, desk_id: str) -> None:
        hall = self._halls[tenant]
        while (state := await hall.board.next_due(tenant, desk_id, hall.clock.now())) is not None:
            with remote_span("show card", state.trace):
                await show_or_put_off(state, hall)


async def show_or_put_off(state: CardState, hall: Hall) -> None:
    """Show one card, or say when it is tried again; the last word on every error but a lost database."""
    # Noted before: a try that ends in a way nobody foresaw must not come again at once.
    await hall.board.put_off(state.key, _later(state, hall), "trying")
    try:
        await show_card(state.key, hall)
        counter(SHOWN).labels("shown").inc()
    except SlackLimited as error:
        counter(SHOWN).labels("limited").inc()
        await asyncio.sleep(error.after)
        await hall.board.retry_at(state.key, hall.clock.now(), error.slug)
    except Unavailable as error:
        log.warning("card put off", reason=error.slug, desk=state.key.desk_id, tries=state.tries)
        counter(SHOWN).labels("put-off").inc()
        await hall.board.retry_at(state.key, _later(state, hall), error.slug)
    except MachiError as error:
        await _refused(state, error, hall)


async def _refused(state: CardState, error: MachiError, hall: Hall) -> None:
    last = isinstance(error, Missing) or state.tries >= _TRIES_WHEN_REFUSED
    log.error("card refused", reason=error.slug, desk=state.key.desk_id, tries=state.tries, given_up=last)
    counter(SHOWN).labels("given-up" if last else "put-off").inc()
    if last:
        await hall.board.settled(state.key, state.wanted)
    await hall.board.retry_at(state.key, _later(state, hall), error.slug)


def _later(state: CardState, hall: Hall) -> datetime:
    return hall.clock.now() + timedelta(seconds=min(0.5 * 2 ** min(state.tries, 6), _LONGEST_WAIT))
