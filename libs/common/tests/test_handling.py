"""A batch's way to its end, whatever delivered it: effects and inbox together, poison found and parked."""

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import pytest

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk import forgetting
from machi_sdk.database import Database
from machi_sdk.envelope import Provenance, Received, headers_of, wire_headers
from machi_sdk.errors import Conflict, Unavailable
from machi_sdk.handling import ONE_BY_ONE_AFTER, PARK_AFTER, Handling, Subscription, Verdict
from machi_sdk.parking import RawRecord, list_parked
from machi_sdk.testing import PodDatabase
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
TENANTS = frozenset({"fukuoka", "sapporo"})
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"
MOMENT = datetime(2026, 4, 1, tzinfo=UTC)


class Pod:
    """Handles batches of five, and remembers the sizes of what it was given."""

    def __init__(self, works: Works[Work], tenants: frozenset[str] = TENANTS) -> None:
        self.handling = Handling(Subscription("topic", "toy.x", works, self.handle, batch=5), tenants)
        self.sizes: list[int] = []
        self.down = False

    async def handle(self, records: Sequence[Received], work: Work) -> None:
        self.sizes.append(len(records))
        if self.down:
            raise Unavailable("peer-down")
        for record in records:
            assert isinstance(record.event, ConsentDecided)
            await work.db.execute(NOTE, work.tenant, record.event_id, record.event.purpose)
            if record.event.purpose == "refused":
                raise Conflict("refused-by-the-domain")
            if record.event.purpose == "poison":
                raise ValueError("the words of a person")

    async def end(self, batch: Sequence[RawRecord]) -> int:
        """How often the batch had to come until it was done."""
        for times in range(1, 20):
            if await self.handling.process(batch) is Verdict.ACK:
                return times
        raise AssertionError("it never ended")


@pytest.fixture
def pod(works: Works[Work]) -> Pod:
    return Pod(works)


def raw(offset: int, purpose: str = "", tenant: str = "fukuoka", event_id: str = "", partition: int = 0) -> RawRecord:
    event = ConsentDecided(purpose=purpose)
    headers = headers_of(event, Provenance(event_id or f"e{offset}", "test", tenant, MOMENT))
    return RawRecord("topic", partition, offset, b"key", wire_headers(headers), event.SerializeToString())


def other(offset: int, purpose: str = "", tenant: str = "fukuoka") -> RawRecord:
    return raw(offset, purpose, tenant, f"o{offset}", partition=1)


async def notes(works: Works[Work], tenant: str = "fukuoka") -> list[str]:
    async with works.begin(tenant) as work:
        return [row[0] for row in await work.db.fetch("SELECT note FROM notes ORDER BY note")]


async def tries(works: Works[Work]) -> dict[int, tuple[int, int]]:
    """Of each partition the offset of the batch that is begun next, and how often it was."""
    async with works.begin("") as work:
        rows = await work.db.fetch("SELECT partition, first_offset, tries FROM attempts")
    return {row["partition"]: (row["first_offset"], row["tries"]) for row in rows}


async def parked(pod_database: PodDatabase) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(pod_database.url)
    try:
        return [(record.event_id, record.reason) for record in await list_parked(connection)]
    finally:
        await connection.close()


async def test_a_good_batch_shares_one_transaction(pod: Pod, works: Works[Work]) -> None:
    assert await pod.end([raw(number) for number in range(5)]) == 1
    assert pod.sizes == [5]
    assert await notes(works) == [f"e{number}" for number in range(5)]


async def test_duplicates_within_and_across_batches_have_one_effect(pod: Pod, works: Works[Work]) -> None:
    await pod.end([raw(0), raw(1, event_id="e0"), raw(2)])
    await pod.end([raw(3, event_id="e2"), raw(4, event_id="e0"), raw(5)])
    await pod.end([raw(6, event_id="e5"), raw(7, event_id="e0")])
    assert await notes(works) == ["e0", "e2", "e5"]
    assert pod.sizes == [2, 1]


@pytest.mark.parametrize("odd", ["O'Hara'); DROP TABLE inbox; --", "back\\'slash", '"{},', "NULL", "穴😄\n\t", "$1%s"])
async def test_an_id_of_any_signs_is_known_again(pod: Pod, works: Works[Work], odd: str) -> None:
    await pod.end([raw(0, event_id=odd), raw(1, event_id="e1")])
    await pod.end([raw(2, event_id=odd), raw(3, event_id="e3")])
    assert sorted(await notes(works)) == sorted([odd, "e1", "e3"])


async def test_poison_is_found_and_parked_and_the_others_have_their_effect(
    pod: Pod, works: Works[Work], pod_database: PodDatabase
) -> None:
    assert await pod.end([raw(0), raw(1, "poison"), raw(2, "refused"), raw(3), raw(4, "poison")]) == 9
    assert await notes(works) == ["e0", "e3"]
    assert await parked(pod_database) == [
        ("e1", "gave-up-after-retries"),
        ("e2", "refused-by-the-domain"),
        ("e4", "gave-up-after-retries"),
    ]
    assert await pod.end([raw(5)]) == 1


async def test_whoever_dies_in_between_the_tries_of_what_was_parked_are_not_the_next_ones(
    pod: Pod, works: Works[Work]
) -> None:
    assert await pod.end([raw(0, "poison")]) == PARK_AFTER
    async with works.begin("") as work:
        assert await work.db.fetchval("SELECT parked.xmin = attempts.xmin FROM parked, attempts"), "one transaction"
    assert await tries(works) == {0: (0, ONE_BY_ONE_AFTER)}


async def test_what_the_domain_refuses_costs_no_retry(pod: Pod, works: Works[Work], pod_database: PodDatabase) -> None:
    assert await pod.end([raw(0), raw(1, "refused"), raw(2)]) == 1
    assert await notes(works) == ["e0", "e2"]
    assert await parked(pod_database) == [("e1", "refused-by-the-domain")]


async def test_an_outage_counts_nothing_against_the_records(
    pod: Pod, works: Works[Work], pod_database: PodDatabase
) -> None:
    pod.down = True
    for _ in range(12):
        assert await pod.handling.process([raw(0), raw(1)]) is Verdict.RETRY
    pod.down = False
    assert await pod.end([raw(0), raw(1)]) == 1
    assert await notes(works) == ["e0", "e1"]
    assert await parked(pod_database) == []


async def test_tenants_are_kept_apart_within_a_batch(pod: Pod, works: Works[Work], pod_database: PodDatabase) -> None:
    batch = [raw(0), raw(1, tenant="kitakyushu"), raw(2, tenant="sapporo"), raw(3, tenant=""), raw(4)]
    assert await pod.end(batch) == 1
    assert (await notes(works), await notes(works, "sapporo")) == (["e0", "e4"], ["e2"])
    assert await notes(works, "kitakyushu") == []
    assert await parked(pod_database) == [("e1", "foreign-tenant"), ("e3", "foreign-tenant")]


async def test_a_newer_replica_handles_what_an_older_one_knew_no_tenant_of(
    pod: Pod, works: Works[Work], pod_database: PodDatabase
) -> None:
    await pod.end([raw(0, tenant="kitakyushu"), raw(1, tenant="nowhere")])
    await pod.handling.replay_parked()
    assert await notes(works, "kitakyushu") == []
    for _ in range(2):
        await Pod(works, TENANTS | {"kitakyushu"}).handling.replay_parked()
    assert await notes(works, "kitakyushu") == ["e0"]
    assert await parked(pod_database) == [("e1", "foreign-tenant")]


async def test_what_is_no_event_is_parked_whole(pod: Pod, pod_database: PodDatabase, database: Database) -> None:
    strange = RawRecord("topic", 0, 7, None, wire_headers({"note": "\N{SNOWMAN}"}), b"\xff\x00")
    assert await pod.end([strange, raw(8)]) == 1
    assert await parked(pod_database) == [("topic/0/7", "envelope-incomplete")]
    connection = await database.connect()
    kept = await connection.fetchrow("SELECT key, payload, headers->>'note' AS note FROM parked")
    await connection.close()
    assert (kept["key"], kept["payload"], kept["note"]) == (None, b"\xff\x00", "\N{SNOWMAN}")


async def test_a_header_postgresql_cannot_keep_does_not_stop_the_partition(pod: Pod, pod_database: PodDatabase) -> None:
    headers = [("ce_id", b"x\0\xff"), ("\0", b"a\0b"), ("ce_type", b"x")]
    assert await pod.end([RawRecord("topic", 0, 9, b"\0", headers, b"")]) == 1
    [(_, reason)] = await parked(pod_database)
    assert reason == "event-type-unknown"


async def test_batches_of_several_partitions_share_one_transaction(pod: Pod, works: Works[Work]) -> None:
    await pod.end([raw(0)])
    await pod.end([other(0)])
    assert await pod.handling.process_lot([[raw(1), raw(2)], [other(1)]]) is Verdict.ACK
    assert await pod.handling.process_lot([[raw(3)], [other(2), other(3)]]) is Verdict.ACK
    assert pod.sizes == [1, 1, 3, 3]
    assert await notes(works) == ["e0", "e1", "e2", "e3", "o0", "o1", "o2", "o3"]
    assert await tries(works) == {0: (4, 1), 1: (4, 1)}


async def test_a_batch_that_may_have_been_begun_before_shares_nothing(pod: Pod, works: Works[Work]) -> None:
    await pod.end([raw(0)])
    assert await pod.handling.process_lot([[raw(1)], [other(0)]]) is None  # a new member of the group
    await pod.end([other(0)])
    assert await pod.handling.process_lot([[raw(1)], [other(2)]]) is None  # the offset has jumped
    assert await notes(works) == ["e0", "o0"]


@pytest.mark.parametrize("bad", ["poison", "refused"])
async def test_what_one_partition_cannot_handle_costs_the_others_nothing(
    pod: Pod, works: Works[Work], pod_database: PodDatabase, bad: str
) -> None:
    await pod.end([raw(0)])
    await pod.end([other(0)])
    assert await pod.handling.process_lot([[raw(1, bad)], [other(1)]]) is None
    assert await notes(works) == ["e0", "o0"]
    assert (await pod.end([other(1)]), await pod.end([raw(1, bad)])) == (1, 6 if bad == "poison" else 1)
    assert await notes(works) == ["e0", "o0", "o1"]
    assert [event_id for event_id, _ in await parked(pod_database)] == ["e1"]


async def test_what_waits_for_something_waits_alone_from_then_on(pod: Pod, works: Works[Work]) -> None:
    await pod.end([raw(0)])
    await pod.end([other(0)])
    pod.down = True
    assert await pod.handling.process_lot([[raw(1)], [other(1)]]) is Verdict.RETRY
    pod.down = False
    assert await pod.handling.process_lot([[raw(1)], [other(1)]]) is None
    assert (await pod.end([raw(1)]), await pod.end([other(1)])) == (1, 1)
    assert await tries(works) == {0: (2, 1), 1: (2, 1)}


async def test_a_lot_keeps_tenants_apart_and_parks_what_is_none_of_ours(
    pod: Pod, works: Works[Work], pod_database: PodDatabase
) -> None:
    await pod.end([raw(0)])
    await pod.end([other(0)])
    lot = [[raw(1), raw(2, tenant="sapporo")], [other(1, tenant="nowhere"), other(2)]]
    assert await pod.handling.process_lot(lot) is Verdict.ACK
    assert (await notes(works), await notes(works, "sapporo")) == (["e0", "e1", "o0", "o2"], ["e2"])
    assert await parked(pod_database) == [("o1", "foreign-tenant")]
    assert await tries(works) == {0: (3, 1), 1: (3, 1)}


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("size", [1, 3])
async def test_what_kills_the_process_is_parked_wherever_in_a_poll_it_lies(
    works: Works[Work], pod_database: PodDatabase, size: int
) -> None:
    """The offset moves after the whole poll: all of it comes again."""

    async def kill(records: Sequence[Received], work: Work) -> None:
        for record in records:
            assert isinstance(record.event, ConsentDecided)
            if record.event.purpose == "kill":
                raise Killed
            await work.db.execute(NOTE, work.tenant, record.event_id, "")

    poll = [raw(number, "kill" if number == 7 else "") for number in range(12)]
    lives = 0
    while lives < 20:
        lives += 1
        handling = Handling(Subscription("topic", "toy.x", works, kill, batch=size), TENANTS)
        try:
            for start in range(0, len(poll), size):
                assert await handling.process(poll[start : start + size]) is Verdict.ACK
            break
        except Killed:
            continue
    assert lives == PARK_AFTER
    assert await parked(pod_database) == [("e7", "gave-up-after-retries")]
    assert len(await notes(works)) == len(poll) - 1


async def test_the_same_place_on_a_broker_made_anew_is_another_record(pod: Pod, pod_database: PodDatabase) -> None:
    for event_id in ("e0", "e0", "later"):
        assert await pod.end([raw(0, "refused", event_id=event_id)]) == 1
    assert await parked(pod_database) == [("e0", "refused-by-the-domain"), ("later", "refused-by-the-domain")]


async def test_what_is_old_is_forgotten_in_portions(
    pod: Pod, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PORTION", 2)
    await pod.end([raw(number) for number in range(5)])
    connection = await database.connect()
    await connection.execute("UPDATE inbox SET seen_at = now() - interval '31 days' WHERE event_id <> 'e3'")
    await pod.handling.forget()
    left = [row["event_id"] for row in await connection.fetch("SELECT event_id FROM inbox")]
    await connection.close()
    assert left == ["e3"]


async def test_the_inbox_forgets_what_cannot_come_again(pod: Pod, database: Database) -> None:
    await pod.end([raw(0), raw(1)])
    connection = await database.connect()
    await connection.execute("UPDATE inbox SET seen_at = now() - interval '31 days' WHERE event_id = 'e0'")
    await pod.handling.forget()
    left = [row["event_id"] for row in await connection.fetch("SELECT event_id FROM inbox")]
    await connection.close()
    assert left == ["e1"]
