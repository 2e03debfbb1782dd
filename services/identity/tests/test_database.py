"""What the database itself guarantees, on real PostgreSQL."""

import asyncio
from datetime import UTC, timedelta
from pathlib import Path

import asyncpg
import pytest

from machi.consent.v1.events_pb2 import ConsentDecided, ReachabilityChanged
from machi_identity.adapters.accesses import _FACTS
from machi_identity.adapters.citizens import _CONTACT, _FOCUS, _LOCK, LoneCitizens
from machi_identity.adapters.standings import PgStandingsNow
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.citizens import Address, Dialogue
from machi_identity.domain.consent import Decision, LedgerEntry, Status
from machi_identity.domain.release import Basis, Release, ReleaseQuestion, Verdict
from machi_identity.use_cases.decide_consent import decide_consent
from machi_identity.use_cases.install_pod import install_pod
from machi_identity.use_cases.release_address import release_address
from machi_identity.use_cases.resolve_citizen import resolve_citizen
from machi_identity.use_cases.set_focus import set_focus
from machi_identity.use_cases.set_reachable import set_reachable
from machi_sdk import migrating
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Conflict, Missing
from machi_sdk.testing import PodDatabase
from machi_sdk.work import Works

pytestmark = pytest.mark.integration
SERVICE = Path(__file__).resolve().parents[1]
TENANT_TABLES = (
    *("tenants", "desks", "staff", "citizens", "links", "consents", "consent_ledger", "accesses"),
    *("aliases", "link_codes", "link_misses"),
)
PURPOSE = "reports.news"
MANIFEST = """
name: {pod}
version: 0.1.0
owner: roads
purposes:
  - {{purpose: {pod}.news, version: 1, data: [channel-address], title: {{ja: t}}, benefit: {{ja: b}}, text: {{ja: x}}}}
"""
IdentityWorks = Works[IdentityWork]


async def resolve(works: IdentityWorks, clock: ManualClock, address: str = "U1", tenant: str = "fukuoka") -> str:
    return (await resolve_citizen(Address("line", address), LoneCitizens(works, tenant), clock)).citizen_id


async def install(works: IdentityWorks, clock: ManualClock, pod: str = "reports") -> bool:
    async with works.begin("fukuoka") as work:
        return (await install_pod(MANIFEST.format(pod=pod), work, clock))[1]


async def decide(works: IdentityWorks, clock: ManualClock, citizen: str, status: Status, event: str) -> LedgerEntry:
    async with works.begin("fukuoka") as work:
        return await decide_consent(Decision(event, citizen, PURPOSE, 1, status, "line"), work, clock)


async def release(work: IdentityWork, clock: ManualClock, citizen: str) -> Release:
    question = ReleaseQuestion("channel-line", citizen, "line", Basis.CONSENT, PURPOSE, "delivery-1")
    return await release_address(question, work, clock)


async def rows(database: PodDatabase, statement: str) -> list[asyncpg.Record]:
    """As administrator, past row-level security."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement)
        return found
    finally:
        await connection.close()


async def test_forty_first_contacts_at_once_make_one_citizen(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    found = await asyncio.gather(*(resolve(works, clock) for _ in range(40)))
    assert len(set(found)) == 1
    assert [row["citizen_id"] for row in await rows(database, "SELECT citizen_id FROM citizens")] == [found[0]]


async def test_a_person_is_found_as_their_tenant_and_no_tenant_stays(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    citizen = await resolve(works, clock)
    connection = await asyncpg.connect(database.url)
    asked = "SELECT citizen_id FROM find_or_make_citizen($1, 'line', 'U1', now(), 'fresh')"
    assert await connection.fetchval(asked, "fukuoka") == citizen
    assert await connection.fetchval(asked, "sapporo") == "fresh"
    assert await connection.fetchval("SELECT count(*) FROM citizens") == 0
    await connection.close()


async def test_of_many_focus_changes_at_once_one_wins(works: IdentityWorks, clock: ManualClock) -> None:
    citizen = await resolve(works, clock)

    async def move(session: str) -> str:
        async with works.begin("fukuoka") as work:
            return (await set_focus(citizen, Dialogue("reports", session), 0, work)).session_id

    outcomes = await asyncio.gather(*(move(f"s{number}") for number in range(8)), return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(won) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7


async def test_decisions_at_once_are_numbered_and_leave_in_that_order(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    kinds = [Status.GIVEN, Status.WITHDRAWN] * 5
    await asyncio.gather(*(decide(works, clock, citizen, kind, f"e{n}") for n, kind in enumerate(kinds)))
    ledger = await rows(database, "SELECT version, status FROM consent_ledger ORDER BY version")
    assert [row["version"] for row in ledger] == list(range(1, 11))
    standing = await rows(database, "SELECT status, version FROM consents")
    assert [tuple(row) for row in standing] == [(ledger[-1]["status"], 10)]
    sent = await rows(database, "SELECT payload FROM outbox WHERE topic = 'machi.consent.v1' ORDER BY id")
    assert [version_of(row["payload"]) for row in sent] == list(range(1, 11))


async def test_a_change_of_who_can_be_reached_leaves_once_and_old_news_does_not(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    citizen, noon = await resolve(works, clock), clock.now()
    for minute, reachable in ((1, True), (2, False), (3, False), (1, True), (4, True)):
        async with works.begin("fukuoka") as work:
            await set_reachable(Address("line", "U1"), work, noon + timedelta(minutes=minute), reachable=reachable)
    sent = await rows(database, "SELECT key, payload FROM outbox WHERE topic = 'machi.consent.v1' ORDER BY id")
    facts = [ReachabilityChanged.FromString(row["payload"]) for row in sent]
    assert [(fact.citizen_id, fact.channel, fact.reachable) for fact in facts] == [
        (citizen, "line", False),
        (citizen, "line", True),
    ]
    assert {row["key"] for row in sent} == {citizen}
    assert facts[1].occurred_at.ToDatetime(UTC) == noon + timedelta(minutes=4)


async def test_consents_are_asked_for_as_their_tenant_and_no_tenant_stays(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    await decide(works, clock, citizen, Status.GIVEN, "e1")
    [found, nobody] = await PgStandingsNow(works).of_many("fukuoka", [citizen, "nobody"], PURPOSE)
    assert (found and found.status, nobody) == (Status.GIVEN, None)
    assert await PgStandingsNow(works).of_many("sapporo", [citizen], PURPOSE) == [None]
    connection = await asyncpg.connect(database.url)
    asked = "SELECT status FROM consent_standings('fukuoka', $1, $2)"
    assert await connection.fetchval(asked, [citizen], PURPOSE) == "given"
    assert await connection.fetchval("SELECT count(*) FROM citizens") == 0
    await connection.close()


async def test_many_are_answered_in_the_order_asked(works: IdentityWorks, clock: ManualClock) -> None:
    await install(works, clock)
    async with works.begin("fukuoka") as work:
        for name in ("a", "b", "c"):
            await work.citizens.find_or_make(Address("line", name), name, clock.now())
    await decide(works, clock, "a", Status.GIVEN, "e1")
    await decide(works, clock, "b", Status.REFUSED, "e2")
    found = await PgStandingsNow(works).of_many("fukuoka", ["c", "b", "nobody", "a", "b"], PURPOSE)
    expected = [Status.UNKNOWN, Status.REFUSED, None, Status.GIVEN, Status.REFUSED]
    assert [standing and standing.status for standing in found] == expected


@pytest.mark.parametrize("statement", [_FOCUS, _LOCK, _CONTACT, _FACTS])
async def test_a_person_is_found_by_an_index_though_rows_are_guarded(
    works: IdentityWorks, clock: ManualClock, statement: str
) -> None:
    citizen = await resolve(works, clock)
    arguments = ["fukuoka", citizen, "line", PURPOSE][: statement.count("$3") + statement.count("$4") + 2]
    async with works.begin("fukuoka") as work:
        await work.db.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in await work.db.fetch(f"EXPLAIN {statement}", *arguments))
    assert "(citizen_id)::text = (InitPlan" in plan
    assert "Filter: ((citizen_id)" not in plan
    assert "Filter: ((c.citizen_id)" not in plan


def version_of(payload: bytes) -> int:
    return ConsentDecided.FromString(payload).version


async def test_one_act_at_once_is_one_entry(works: IdentityWorks, clock: ManualClock, database: PodDatabase) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    entries = await asyncio.gather(*(decide(works, clock, citizen, Status.GIVEN, "e1") for _ in range(6)))
    assert len({entry.receipt_id for entry in entries}) == 1
    assert len(await rows(database, "SELECT 1 FROM consent_ledger")) == 1


@pytest.mark.parametrize("table", ["consent_ledger", "accesses"])
@pytest.mark.parametrize("change", ["UPDATE {} SET citizen_id = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_ledger_and_access_log_only_grow(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase, table: str, change: str
) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    await decide(works, clock, citizen, Status.GIVEN, "e1")
    async with works.begin("fukuoka") as work:
        await release(work, clock, citizen)
    # The pod lacks the right, and whoever has it, the owner and the administrator too, is stopped by the trigger.
    for url, refusal in (
        (database.url, asyncpg.InsufficientPrivilegeError),
        (database.owner_url, asyncpg.RestrictViolationError),
        (database.admin_url, asyncpg.RestrictViolationError),
    ):
        connection = await asyncpg.connect(url)
        try:
            with pytest.raises(refusal):
                await connection.execute(change.format(table))
        finally:
            await connection.close()


async def test_every_tenant_table_forces_row_level_security(database: PodDatabase) -> None:
    found = await rows(
        database,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity"
        " AND relforcerowsecurity",
    )
    assert set(TENANT_TABLES) <= {row["relname"] for row in found}
    columns = await rows(database, "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant'")
    runtime_without = {"inbound_events"}
    assert {row["table_name"] for row in columns} - runtime_without <= {row["relname"] for row in found}


async def test_every_unique_constraint_of_a_tenant_table_starts_with_tenant(database: PodDatabase) -> None:
    found = await rows(
        database,
        "SELECT c.relname AS table_name, a.attname AS first FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indisunique",
    )
    ours = {row["table_name"]: row["first"] for row in found if row["table_name"] in TENANT_TABLES}
    assert set(ours.values()) == {"tenant"}


async def test_another_tenant_sees_nothing(works: IdentityWorks, clock: ManualClock) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    await decide(works, clock, citizen, Status.GIVEN, "e1")
    assert await resolve(works, clock, tenant="sapporo") != citizen
    async with works.begin("sapporo") as work:
        assert await work.citizens.contact(citizen) is None
        assert await work.consents.standing(citizen, PURPOSE) is None
        with pytest.raises(Missing):
            await release(work, clock, citizen)
        for table in ("links", "citizens"):
            assert await work.db.fetchval(f"SELECT count(*) FROM {table}") == 1
        for table in ("consents", "consent_ledger", "accesses"):
            assert await work.db.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await work.db.execute("UPDATE citizens SET language = 'en' WHERE citizen_id = $1", citizen) == "UPDATE 0"


async def test_without_a_tenant_nothing_is_seen(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    await resolve(works, clock)
    connection = await asyncpg.connect(database.url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM citizens") == 0
    finally:
        await connection.close()


class GivesUpError(Exception):
    """Stands for whatever ends a transaction early."""


async def test_a_release_and_its_line_are_one_transaction(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    await decide(works, clock, citizen, Status.GIVEN, "e1")

    async def released_and_given_up() -> None:
        async with works.begin("fukuoka") as work:
            assert (await release(work, clock, citizen)).verdict is Verdict.RELEASED
            raise GivesUpError

    with pytest.raises(GivesUpError):
        await released_and_given_up()
    assert await rows(database, "SELECT 1 FROM accesses") == []
    async with works.begin("fukuoka") as work:
        await release(work, clock, citizen)
    line = (await rows(database, "SELECT caller, channel, basis, purpose, reference_id, verdict FROM accesses"))[0]
    assert tuple(line) == ("channel-line", "line", "consent", PURPOSE, "delivery-1", "released")


async def test_a_decision_and_its_fact_are_one_transaction(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)

    async def decided_and_given_up() -> None:
        async with works.begin("fukuoka") as work:
            await decide_consent(Decision("e1", citizen, PURPOSE, 1, Status.GIVEN, "line"), work, clock)
            raise GivesUpError

    with pytest.raises(GivesUpError):
        await decided_and_given_up()
    for table in ("consents", "consent_ledger", "outbox WHERE topic = 'machi.consent.v1'"):
        assert await rows(database, f"SELECT 1 FROM {table}") == []


async def test_a_withdrawal_counts_in_the_very_next_transaction(works: IdentityWorks, clock: ManualClock) -> None:
    await install(works, clock)
    citizen = await resolve(works, clock)
    for number in range(3):
        await decide(works, clock, citizen, Status.GIVEN, f"g{number}")
        async with works.begin("fukuoka") as work:
            assert (await release(work, clock, citizen)).verdict is Verdict.RELEASED
        await decide(works, clock, citizen, Status.WITHDRAWN, f"w{number}")
        async with works.begin("fukuoka") as work:
            assert (await release(work, clock, citizen)).verdict is Verdict.NO_CONSENT


async def test_the_registry_is_published_and_belongs_to_no_tenant(
    works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    assert await install(works, clock)
    assert not await install(works, clock)
    sent = await rows(database, "SELECT key, headers FROM outbox WHERE topic = 'machi.pods.v1'")
    assert [row["key"] for row in sent] == ["reports", "reports"]
    async with works.begin("sapporo") as work:
        assert [record.pod for record in await work.pods.all()] == ["reports"]


async def test_two_pods_cannot_declare_one_purpose(works: IdentityWorks, clock: ManualClock) -> None:
    await install(works, clock)
    async with works.begin("fukuoka") as work:
        await work.db.execute("INSERT INTO pods VALUES ('other', '', '', now())")
        await work.db.execute("UPDATE notices SET pod = 'other'")
    async with works.begin("fukuoka") as work:
        await work.db.execute("UPDATE pods SET manifest_hash = ''")
    with pytest.raises(Conflict) as refusal:
        await install(works, clock)
    assert refusal.value.slug == "purpose-taken"


def test_migrations_go_up_down_up_and_match_the_tables(database: PodDatabase) -> None:
    assert migrating.round_trip(SERVICE, database.owner_url) == ""
