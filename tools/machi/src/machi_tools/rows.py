"""Reads the pods' own databases for an operator: parked records and the hops of a trace."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

import asyncpg

from machi.reports.v1 import report_service_pb2 as reports_pb2
from machi.reports.v1 import report_service_pb2_grpc as reports_grpc
from machi_sdk.rpc import Peers
from machi_tools.embedded.given import GivenPostgres
from machi_tools.errors import StackError
from machi_tools.operator import DEADLINE, operator_of, running
from machi_tools.stack.databases import Databases
from machi_tools.stack.layout import Layout
from machi_tools.stack.secrets import SecretStore

Found = TypeVar("Found")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_HOPS = "SELECT at, name, detail FROM hops WHERE trace_id = $1 ORDER BY at"


@dataclass(frozen=True)
class Hop:
    """One place a message passed."""

    at: datetime
    pod: str
    name: str
    detail: dict[str, str]


@dataclass(frozen=True)
class Rows:
    """Connections to the databases of the running pods, with the pods' own rights."""

    layout: Layout

    def pods(self) -> list[str]:
        """Every running pod."""
        return [pod.name for pod in running(self.layout).pods]

    @asynccontextmanager
    async def connection(self, pod: str) -> AsyncIterator[Connection]:
        """A connection to one pod's database; StackError when no such pod runs."""
        if pod not in self.pods():
            raise StackError(f"no pod {pod} runs here", f"one of: {', '.join(self.pods())}")
        server = GivenPostgres(running(self.layout).servers.postgres)
        url = Databases(server, SecretStore(self.layout.state / "secrets.json")).pod_url(pod)
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise StackError(f"the database of {pod} does not answer: {error}", "machi doctor") from error
        try:
            yield connection
        finally:
            await connection.close()

    async def each(self, read: Callable[[Connection], Awaitable[Found]]) -> dict[str, Found]:
        """Read the same from every pod's database."""
        pods = self.pods()
        return dict(zip(pods, await asyncio.gather(*(self._one(pod, read) for pod in pods)), strict=True))

    async def _one(self, pod: str, read: Callable[[Connection], Awaitable[Found]]) -> Found:
        async with self.connection(pod) as connection:
            return await read(connection)

    async def hops(self, trace_id: str) -> list[Hop]:
        """The way of one trace through all pods, in order of time."""

        async def read(connection: Connection) -> list[asyncpg.Record]:
            return list(await connection.fetch(_HOPS, trace_id))

        found = await self.each(read)
        hops = [Hop(row["at"], pod, row["name"], _detail(row["detail"])) for pod, rows in found.items() for row in rows]
        return sorted(hops, key=lambda hop: hop.at)


async def trace_of(layout: Layout, case_number: str) -> str:
    """The trace id of a case; Missing when there is no such case."""
    request = reports_pb2.FindCaseRequest(case_number=case_number)

    async def ask(peers: Peers, tenant: tuple[tuple[str, str], ...]) -> str:
        stub = reports_grpc.ReportServiceStub(peers.channel("reports"))
        return str((await stub.FindCase(request, timeout=DEADLINE, metadata=tenant)).trace_id)

    return await operator_of(layout).ask(ask)


def _detail(value: object) -> dict[str, str]:
    decoded = json.loads(value) if isinstance(value, str) else value
    return {str(name): str(code) for name, code in decoded.items()} if isinstance(decoded, dict) else {}
