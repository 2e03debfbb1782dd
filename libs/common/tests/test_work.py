"""One transaction, its events and hops, one commit at the edge."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import cast

import asyncpg
import pytest

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import Clock
from machi_sdk.database import Database, Pooled
from machi_sdk.envelope import decode, wire_headers
from machi_sdk.errors import Conflict, Denied, MachiError, Unavailable
from machi_sdk.telemetry import current_trace_id, span
from machi_sdk.testing import PodDatabase
from machi_sdk.transaction import Transaction, transaction
from machi_sdk.work import Origin, Work, Works

pytestmark = pytest.mark.integration
WRITE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, 'somebody')"


async def write(work: Work, note: str, tenant: str = "fukuoka") -> None:
    await work.db.execute(WRITE, tenant, note)


async def attempt(works: Works[Work], use_case: Callable[[Work], Awaitable[None]]) -> None:
    async with works.begin("fukuoka") as work:
        await use_case(work)


async def notes(works: Works[Work], tenant: str = "fukuoka") -> list[str]:
    async with works.begin(tenant) as work:
        return [row[0] for row in await work.db.fetch("SELECT note FROM notes ORDER BY note")]


async def rows(pod_database: PodDatabase, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(pod_database.url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query)
        return found
    finally:
        await connection.close()


async def test_everything_said_leaves_with_the_one_commit(works: Works[Work], pod_database: PodDatabase) -> None:
    with span("a message"):
        async with works.begin("fukuoka") as work:
            await write(work, "a note")
            work.emit("machi.consent.v1", "citizen-1", ConsentDecided(citizen_id="citizen-1"))
            work.hop("noted", note_id="1")
            assert await rows(pod_database, "SELECT * FROM outbox") == []
        trace = current_trace_id()
    assert await notes(works) == ["a note"]
    [event] = await rows(pod_database, "SELECT topic, key, headers::text AS headers FROM outbox")
    assert (event["topic"], event["key"]) == ("machi.consent.v1", "citizen-1")
    assert trace in event["headers"]
    [hop] = await rows(pod_database, "SELECT trace_id, name, detail::text AS detail FROM hops")
    assert (hop["trace_id"], hop["name"], hop["detail"]) == (trace, "noted", '{"note_id": "1"}')


@pytest.mark.parametrize("odd", ["O'Hara'; DROP TABLE hops; --", "back\\'slash", '"{}$1%s', "穴😄\n\t", "\\x41"])
@pytest.mark.parametrize("times", [1, 40])
async def test_whatever_is_said_is_written_as_it_is(
    works: Works[Work], pod_database: PodDatabase, odd: str, times: int
) -> None:
    said = [(f"machi.{number % 2}", ConsentDecided(citizen_id=odd, version=number)) for number in range(times)]
    with span("a message"):
        async with works.begin("fukuoka") as work:
            for topic, event in said:
                work.emit(topic, odd, event)
            work.hop("noted", note=odd)
    outgoing = await rows(pod_database, "SELECT topic, key, headers::text AS headers, payload FROM outbox ORDER BY id")
    assert [(row["topic"], ConsentDecided.FromString(row["payload"])) for row in outgoing] == said
    assert {row["key"] for row in outgoing} == {odd}
    headers = [json.loads(row["headers"]) for row in outgoing]
    assert len({each["ce_id"] for each in headers}) == times
    for row, each in zip(outgoing, headers, strict=True):
        assert decode(row["topic"], b"", wire_headers(each), row["payload"]).tenant == "fukuoka"
    [hop] = await rows(pod_database, "SELECT detail->>'note' AS note FROM hops")
    assert hop["note"] == odd


async def test_a_text_that_sql_cannot_hold_ends_the_work(works: Works[Work], pod_database: PodDatabase) -> None:
    async def say(work: Work) -> None:
        await write(work, "never")
        work.emit("machi.consent.v1", "a\0b", ConsentDecided())

    with pytest.raises(ValueError, match="NUL"):
        await attempt(works, say)
    assert await notes(works) == []
    assert await rows(pod_database, "SELECT * FROM outbox") == []


class Noted:
    """A connection that notes what is sent over it, a line for each round trip."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def execute(self, statement: str, *_arguments: object) -> str:
        self.sent.append(statement.replace("SELECT set_config('machi.tenant', 'fukuoka', true)", "TENANT"))
        return statement.rpartition("; ")[2]

    async def fetchval(self, query: str, *_arguments: object) -> int:
        self.sent.append(query)
        return 1


async def _say_nothing(_db: Transaction) -> None:
    pass


async def _say_words(db: Transaction) -> None:
    db.last_words = "INSERT 2; "


async def _insert(db: Transaction) -> None:
    assert await db.execute("INSERT 1") == "INSERT 1"
    await db.execute("INSERT 2")


async def _ask(db: Transaction) -> None:
    assert await db.fetchval("SELECT $1", 1) == 1


async def _fail_at_once(_db: Transaction) -> None:
    raise Denied("no")


async def _fail_late(db: Transaction) -> None:
    await db.execute("INSERT 1")
    raise Denied("no")


@pytest.mark.parametrize(
    ("use", "sent"),
    [
        (_say_nothing, ["BEGIN; TENANT; COMMIT"]),
        (_say_words, ["BEGIN; TENANT; INSERT 2; COMMIT"]),
        (_insert, ["BEGIN; TENANT; INSERT 1", "INSERT 2", "COMMIT"]),
        (_ask, ["BEGIN; TENANT; ", "SELECT $1", "COMMIT"]),
        (_fail_at_once, []),
        (_fail_late, ["BEGIN; TENANT; INSERT 1", "ROLLBACK"]),
    ],
)
async def test_no_more_round_trips_than_needed(use: Callable[[Transaction], Awaitable[None]], sent: list[str]) -> None:
    noted = Noted()
    with suppress(Denied):
        async with transaction(cast("Pooled", noted), "fukuoka") as db:
            await use(db)
    assert noted.sent == sent


async def test_an_error_leaves_nothing_behind(works: Works[Work], pod_database: PodDatabase) -> None:
    called: list[str] = []

    async def refuse_late(work: Work) -> None:
        await write(work, "never")
        work.emit("machi.consent.v1", "citizen-1", ConsentDecided())
        work.then(lambda: called.append("after the commit"))
        raise Denied("no")

    with pytest.raises(Denied):
        await attempt(works, refuse_late)
    assert await notes(works) == []
    assert await rows(pod_database, "SELECT * FROM outbox") == []
    assert called == []


async def test_what_waits_for_the_commit_is_called_after_it(works: Works[Work]) -> None:
    called: list[str] = []
    async with works.begin("fukuoka") as work:
        work.then(lambda: called.append("after"))
        assert called == []
    assert called == ["after"]


async def test_the_tenant_is_set_before_anything_else_and_for_this_transaction_only(
    works: Works[Work], database: Database
) -> None:
    async with works.begin("fukuoka") as work:
        assert await work.db.fetchval("SELECT current_setting('machi.tenant', true)") == "fukuoka"
        await write(work, "ours")
    async with database.acquire() as connection:
        left = await connection.fetchval("SELECT current_setting('machi.tenant', true)")
    assert left in (None, "")
    assert await notes(works, "sapporo") == []


async def test_the_server_ends_what_a_client_without_power_began(works: Works[Work]) -> None:
    names = ["idle_in_transaction_session_timeout", "tcp_keepalives_idle"]
    async with works.begin("fukuoka") as work:
        query = "SELECT reset_val::int FROM pg_settings WHERE name = ANY($1) ORDER BY name"
        found = [row["reset_val"] for row in await work.db.fetch(query, names)]
    assert found == [60_000, 30], "milliseconds, and seconds"


async def test_another_tenants_row_is_refused(works: Works[Work]) -> None:
    with pytest.raises(Exception, match="row-level security"):
        async with works.begin("fukuoka") as work:
            await write(work, "theirs", tenant="sapporo")


@pytest.mark.parametrize(
    ("constraints", "slug"),
    [({"pk_notes": Conflict("note-there")}, "note-there"), ({}, "constraint")],
    ids=["named", "not named"],
)
async def test_a_violated_constraint_becomes_its_domain_error(
    database: Database, clock: Clock, constraints: Mapping[str, MachiError], slug: str
) -> None:
    works = Works(database, Work, Origin("toy", clock), constraints)
    async with works.begin("fukuoka") as work:
        await write(work, "twice")
    with pytest.raises(Conflict) as refused:
        async with works.begin("fukuoka") as work:
            await write(work, "twice")
    assert refused.value.slug == slug


async def test_a_database_that_is_down_is_unavailable(clock: Clock) -> None:
    database = Database("postgresql://nobody:x@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable):
        async with Works(database, Work, Origin("toy", clock)).begin("fukuoka"):
            pass
    await database.close()


async def test_a_connection_cut_in_the_middle_is_unavailable_and_the_next_work_goes_on(
    works: Works[Work], pod_database: PodDatabase
) -> None:
    async def write_after_the_cut(work: Work) -> None:
        await _cut(pod_database, await work.db.fetchval("SELECT pg_backend_pid()"))
        await write(work, "lost")

    with pytest.raises(Unavailable):
        await attempt(works, write_after_the_cut)
    assert await notes(works) == []


async def test_a_failed_statement_that_was_passed_over_is_no_commit(works: Works[Work]) -> None:
    async def pass_over(work: Work) -> None:
        await write(work, "lost")
        with suppress(asyncpg.PostgresError):
            await work.db.execute("SELECT no_such_function()")

    with pytest.raises(RuntimeError, match="rolled everything back"):
        await attempt(works, pass_over)
    assert await notes(works) == []


async def test_a_mistake_in_the_code_is_no_outage(works: Works[Work]) -> None:
    with pytest.raises(asyncpg.DataError):
        async with works.begin("fukuoka") as work:
            await work.db.fetch("SELECT $1::int", "no number")
    with pytest.raises(FileNotFoundError):
        async with works.begin("fukuoka"):
            raise FileNotFoundError(2, "No such file", "template.txt")


async def _cut(pod_database: PodDatabase, backend: int) -> None:
    connection = await asyncpg.connect(pod_database.admin_url)
    try:
        await connection.execute("SELECT pg_terminate_backend($1, 5000)", backend)
    finally:
        await connection.close()
