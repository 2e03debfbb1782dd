"""One transaction as a tenant: it begins with its first statement, and its last words travel with its commit."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from machi_sdk.database import Pooled
from machi_sdk.sql import literal

# What asyncpg raises, beside OSError and TimeoutError, when a statement fails or the connection is lost.
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_ROLLBACK_SECONDS = 2.0


class Transaction:
    """The connection of a work, as asyncpg has it.

    A first statement without arguments travels together with the beginning. A work that only has last words is one
    round trip as a whole.
    """

    def __init__(self, connection: Pooled, tenant: str) -> None:
        self.last_words = ""
        self._connection = connection
        self._beginning = f"BEGIN; SELECT set_config('machi.tenant', {literal(tenant)}, true); "

    async def execute(self, statement: str, *arguments: object) -> str:
        """Run it; what PostgreSQL says of it, such as "INSERT 0 3"."""
        if arguments:
            await self._begin()
            said: str = await self._connection.execute(statement, *arguments)
            return said
        return await self._with_beginning(statement)

    async def executemany(self, statement: str, arguments: Iterable[Sequence[object]]) -> None:
        """Run it once for each row of arguments."""
        await self._begin()
        await self._connection.executemany(statement, arguments)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows."""
        await self._begin()
        rows: list[asyncpg.Record] = await self._connection.fetch(query, *arguments)
        return rows

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """The first row, or None."""
        await self._begin()
        return await self._connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:  # noqa: ANN401 (whatever the query selects)
        """The first column of the first row, or None."""
        await self._begin()
        return await self._connection.fetchval(query, *arguments)

    async def commit(self) -> None:
        """End it; RuntimeError when a statement had failed and nobody had minded."""
        if await self._with_beginning(f"{self.last_words}COMMIT") != "COMMIT":
            raise RuntimeError("a failed statement was passed over: PostgreSQL has rolled everything back")

    async def roll_back(self) -> None:
        """Undo it; a connection that cannot is given up, and the server undoes it."""
        if self._beginning:
            return
        try:
            async with asyncio.timeout(_ROLLBACK_SECONDS):
                await self._connection.execute("ROLLBACK")
        except (*DRIVER_ERRORS, OSError, TimeoutError):
            with suppress(*DRIVER_ERRORS):  # the pool has it back already when it was lost
                self._connection.terminate()

    async def _begin(self) -> None:
        if self._beginning:
            await self._with_beginning("")

    async def _with_beginning(self, statements: str) -> str:
        beginning, self._beginning = self._beginning, ""
        said: str = await self._connection.execute(beginning + statements)
        return said


@asynccontextmanager
async def transaction(connection: Pooled, tenant: str) -> AsyncIterator[Transaction]:
    """Commits when the block ends, rolls back when it raises."""
    found = Transaction(connection, tenant)
    try:
        yield found
        await found.commit()
    except BaseException:
        await found.roll_back()
        raise
