"""One pod's PostgreSQL: a pool of asyncpg connections, and unpooled ones for leases and listening."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pooled: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection  # not subscriptable at run time
    Pooled = asyncpg.pool.PoolConnectionProxy

_POOL_SIZE = 16
_ACQUIRE_SECONDS = 5.0
# Until then a statement that was given up has stopped, or its connection is closed.
_RELEASE_SECONDS = 1.0
# What a client did not end before its machine lost power or hung: the server undoes it within a minute.
_POOLED = {
    "jit": "off",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60s",
}
# The server notices within seconds that a client's machine is gone, and gives its lease to another.
_KEEPALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}


def plain_url(url: str) -> str:
    """A URL asyncpg understands, whatever driver suffix it came with."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="postgresql"))


class Database:
    """The pool behind every `Work`; connects when first used."""

    def __init__(self, url: str) -> None:
        self._url = plain_url(url)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Pooled]:
        """A pooled connection; TimeoutError when none comes free within five seconds."""
        pool = self._pool or await self._open()
        async with asyncio.timeout(_ACQUIRE_SECONDS):  # the pool's own timeout takes a task for each time
            connection = await pool.acquire()
        try:
            yield connection
        finally:
            await pool.release(connection, timeout=_RELEASE_SECONDS)

    async def connect(self) -> Connection:
        """An unpooled connection, the caller's to close."""
        return await asyncpg.connect(self._url, timeout=3, command_timeout=15, server_settings=_KEEPALIVE)

    async def close(self) -> None:
        """Close the pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        self._pool = asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=_POOL_SIZE,
            timeout=3,
            command_timeout=15,
            server_settings=_POOLED,
            init=_read_json,
            reset=_nothing_to_reset,
        )
        # Connects to nothing yet, as the pool may be empty: so this never waits, and two callers never race.
        await self._pool
        return self._pool


async def _read_json(connection: Pooled) -> None:
    """JSON columns come as Python values; parameters are JSON text, made by the caller."""
    await connection.set_type_codec("jsonb", encoder=str, decoder=orjson.loads, schema="pg_catalog")


async def _nothing_to_reset(_connection: Pooled) -> None:
    """All that a work sets ends with its transaction, so a returned connection costs no further round trip."""
