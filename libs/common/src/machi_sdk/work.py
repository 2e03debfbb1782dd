"""`Work`: one transaction, its events and hops, one commit at the edge."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import asyncpg
import orjson
from google.protobuf.message import Message

from machi_sdk.clock import Clock
from machi_sdk.database import Database
from machi_sdk.envelope import shared_headers
from machi_sdk.errors import Conflict, MachiError, Unavailable
from machi_sdk.ids import new_id
from machi_sdk.outbox import Outgoing, outbox_sql
from machi_sdk.sql import literal
from machi_sdk.telemetry import current_trace_id
from machi_sdk.transaction import DRIVER_ERRORS, Transaction, transaction

_HOPS = "INSERT INTO hops (trace_id, name, detail, at)"
# Connection lost, server stopping or out of room, cancelled, deadlock and the like, read-only after a failover, or
# the transaction of a process that was suspended.
_PASSING = ("08", "57P", "57014", "53", "40001", "40P01", "55P03", "25006", "25P03")


@dataclass(frozen=True)
class Hop:
    """A durable mark on the present trace: ids and codes, no personal data."""

    name: str
    codes: Mapping[str, str]


@dataclass(frozen=True)
class Origin:
    """Where works come from: the pod's name and clock, and how its relay is woken after a commit."""

    pod: str
    clock: Clock
    wake: Callable[[], None] = lambda: None


class Work:
    """What a use case gets: a transaction's connection, and a place to say what happened. It never commits.

    `moves` are the pod's statements that let what is kept of citizen $2 belong to citizen $3 (tenant $1).
    """

    moves: ClassVar[tuple[str, ...]] = ()

    def __init__(self, db: Transaction, tenant: str, origin: Origin) -> None:
        self.db = db
        self.tenant = tenant
        self.clock = origin.clock
        self._origin = origin
        self._outgoing: list[Outgoing] = []
        self._hops: list[tuple[str, str, str]] = []
        self._then: list[Callable[[], None]] = []
        self._lastly: list[str] = []

    def emit(self, topic: str, key: str, event: Message) -> None:
        """Let an event leave with this commit; events of one key leave in the order of their commits."""
        shared, at = shared_headers(event, self._origin.pod, self.tenant), self.clock.now().isoformat()
        self._outgoing.append(Outgoing(topic, key, shared, new_id(), at, event.SerializeToString()))

    def hop(self, name: str, **codes: str) -> None:
        """Leave a durable mark on the present trace: ids and codes, no personal data."""
        self.hop_of(current_trace_id(), name, codes)

    def hop_of(self, trace_id: str, name: str, codes: Mapping[str, str]) -> None:
        """Leave the mark on another trace, as a batch does for each of its records; without a trace there is none."""
        if trace_id:
            self._hops.append((trace_id, name, orjson.dumps(dict(codes)).decode()))

    def then(self, call: Callable[[], None]) -> None:
        """Call this once the commit has succeeded, and only then."""
        self._then.append(call)

    def lastly(self, statement: str) -> None:
        """Let a whole statement, without parameters, travel with the commit instead of by itself."""
        self._lastly.append(f"{statement}; ")

    def committed(self) -> None:
        """Run what waited for the commit; only the edge calls this."""
        if self._outgoing:
            self._origin.wake()
        for call in self._then:
            call()

    def sealed(self) -> str:
        """Statements that write down what was said, to run right before the commit; only the edge asks for them."""
        return "".join(self._lastly) + self._hops_sql() + outbox_sql(self._outgoing)

    def _hops_sql(self) -> str:
        if not self._hops:
            return ""
        at = literal(self.clock.now().isoformat())
        rows = (f"({literal(trace)}, {literal(name)}, {literal(detail)}, {at})" for trace, name, detail in self._hops)
        return f"{_HOPS} VALUES {', '.join(rows)}; "


W_co = TypeVar("W_co", bound=Work, covariant=True)


class Works(Generic[W_co]):
    """Opens works of one kind on the pod's database."""

    def __init__(
        self,
        database: Database,
        kind: type[W_co],
        origin: Origin,
        constraints: Mapping[str, MachiError] | None = None,
    ) -> None:
        self._database = database
        self._kind = kind
        self._origin = origin
        self._constraints = dict(constraints or {})

    @property
    def clock(self) -> Clock:
        """The clock of its works."""
        return self._origin.clock

    @asynccontextmanager
    async def begin(self, tenant: str) -> AsyncIterator[W_co]:
        """One transaction as that tenant: commits when the block ends, rolls back when it raises.

        Raises the domain error of a violated constraint, Conflict for another one, Unavailable when the
        database cannot be reached.
        """
        with self._translating():
            async with self._database.acquire() as connection, transaction(connection, tenant) as db:
                work = self._kind(db, tenant, self._origin)
                yield work
                db.last_words = work.sealed()
        work.committed()

    async def alone(self, statement: str, *arguments: object, hop: Hop | None = None) -> list[asyncpg.Record]:
        """The rows of one statement that is a transaction of its own: one round trip.

        Its tables know no tenant, or it is a function that enters the tenant. The hop is left when there
        is a row. Raises as `begin` does.
        """
        trace_id = current_trace_id()
        if hop is not None and trace_id:
            detail = orjson.dumps(dict(hop.codes)).decode()
            first = len(arguments) + 1
            statement = (
                f"WITH done AS ({statement}), hop AS ({_HOPS} SELECT ${first}, ${first + 1}, ${first + 2}::jsonb,"
                f" ${first + 3} FROM done LIMIT 1) SELECT * FROM done"
            )
            arguments = (*arguments, trace_id, hop.name, detail, self._origin.clock.now())
        with self._translating():
            async with self._database.acquire() as connection:
                rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return rows

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (*DRIVER_ERRORS, OSError, TimeoutError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> Exception:
        state = str(getattr(error, "sqlstate", "") or "")
        if state.startswith("23"):
            name = str(getattr(error, "constraint_name", "") or "")
            known = self._constraints.get(name)
            return type(known)(known.slug, known.message) if known else Conflict("constraint", name)
        if state.startswith(_PASSING) or _unreachable(error):
            return Unavailable("database-unavailable")
        return error


def _unreachable(error: BaseException) -> bool:
    """Whether the server or the pool did not answer; a wrong argument or a missing file is something else."""
    if isinstance(error, asyncpg.InternalClientError):
        return True  # a connection that is just being lost
    if isinstance(error, asyncpg.InterfaceError):
        return any(word in str(error) for word in ("clos", "released"))  # what a lost connection becomes
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return error.filename is None
    return isinstance(error, TimeoutError)
