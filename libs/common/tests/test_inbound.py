"""Inbound events: in order per person, many people at once, kept through hung pods and dead processes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import pytest
from writing import Adapter, accept, all_are, arrived, only_done, running, states

from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.inbound import InboundQueue, PendingEvent
from machi_sdk.inbound.events import EventRows
from machi_sdk.testing import wait_until
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
Claim = Callable[[EventRows, int, Mapping[str, int]], Awaitable[list[PendingEvent]]]


async def test_each_person_in_order_and_64_people_at_once(works: Works[Work]) -> None:
    gate = asyncio.Event()
    adapter = Adapter(lambda _event: gate.wait())
    queue = InboundQueue(works, adapter, "line")
    people = [f"person-{number:02}" for number in range(70)]
    await accept(works, queue, *(f"{person}/{number}" for number in range(3) for person in people))
    async with running(queue):
        await wait_until(lambda: adapter.busy.total() == 64)
        gate.set()
        await wait_until(all_are(works, "done"))
    assert adapter.most == 64
    for person in people:
        assert [event for event in adapter.handled if event.startswith(person)] == [f"{person}/{n}" for n in range(3)]


async def test_work_that_takes_its_normal_time_shares_few_places(
    works: Works[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._BRISK_SECONDS", 60.0)
    adapter = Adapter()
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, *(f"person-{number:02}/1" for number in range(40)))
    async with running(queue):
        await wait_until(all_are(works, "done"))
    assert 1 <= adapter.most <= 6


async def test_who_waits_for_a_hung_pod_takes_no_place_of_the_others(
    works: Works[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._BRISK_SECONDS", 60.0)
    hangs = asyncio.Event()

    async def hang(event: PendingEvent) -> None:
        if event.event.event_id.startswith("person"):
            if event.tries == 1:
                raise Unavailable("peer-down")
            await hangs.wait()

    adapter = Adapter(hang)
    queue = InboundQueue(works, adapter, "line")
    async with running(queue):
        await accept(works, queue, *(f"person-{number}/1" for number in range(6)))
        await wait_until(lambda: adapter.busy.total() == 6)
        await accept(works, queue, "zoe/1")
        await wait_until(only_done(works, "zoe/1"))
        assert adapter.busy.total() == 6
        hangs.set()
        await wait_until(all_are(works, "done"))


async def test_a_tenant_whose_platform_hangs_takes_no_place_of_the_others(works: Works[Work]) -> None:
    hangs = asyncio.Event()

    async def hang(event: PendingEvent) -> None:
        if event.tenant == "fukuoka":
            await hangs.wait()

    adapter = Adapter(hang)
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, *(f"person-{number:03}/1" for number in range(100)))
    others = [f"zoe-{number}/1" for number in range(9)]
    await accept(works, queue, *others, tenant="sapporo")
    async with running(queue):
        await wait_until(only_done(works, *others))
        await wait_until(lambda: adapter.busy.total() == 64)
        hangs.set()
        await wait_until(all_are(works, "done"))


async def test_what_there_is_room_for_is_handled_without_a_claim(
    works: Works[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    claims: list[int] = []
    adapter = Adapter()
    queue = InboundQueue(works, adapter, "line")
    async with running(queue):
        await wait_until(lambda: queue._dispatching)
        monkeypatch.setattr(EventRows, "claim", _no_claim(claims))
        await accept(works, queue, "ann/1", "ann/2", "bea/1")
        await wait_until(only_done(works, "ann/1", "bea/1"))
        await accept(works, queue, "ann/3", "cem/1", "bea/2")
        await wait_until(only_done(works, "ann/1", "bea/1", "bea/2", "cem/1"))
    assert claims, "the dispatcher looked for more meanwhile"
    found = await states(works)
    assert [name for name, state in found.items() if state == "received"] == ["ann/2", "ann/3"]


def _no_claim(claims: list[int]) -> Claim:
    async def claim(_rows: EventRows, count: int, _under_way: Mapping[str, int]) -> list[PendingEvent]:
        claims.append(count)
        return []

    return claim


async def test_the_dispatcher_looks_for_more_only_while_there_is_more(
    works: Works[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._POLL_SECONDS", 60.0)
    monkeypatch.setattr("machi_sdk.inbound.queue._BRISK_SECONDS", 60.0)
    claims: list[int] = []
    claim = EventRows.claim

    async def counted(rows: EventRows, count: int, under_way: Mapping[str, int]) -> list[PendingEvent]:
        claims.append(count)
        return await claim(rows, count, under_way)

    monkeypatch.setattr(EventRows, "claim", counted)
    adapter = Adapter()
    queue = InboundQueue(works, adapter, "line")
    async with running(queue):
        await wait_until(lambda: len(claims) == 1)
        await accept(works, queue, "ann/1")
        await wait_until(all_are(works, "done"))
        assert len(claims) == 1
        await accept(works, queue, "ann/2", "ann/3", *(f"person-{number:02}/1" for number in range(20)))
        await wait_until(all_are(works, "done"))
    assert adapter.handled.index("ann/2") < adapter.handled.index("ann/3")


async def test_an_accepted_event_whose_commit_fails_is_not_handled(works: Works[Work]) -> None:
    adapter = Adapter()
    queue = InboundQueue(works, adapter, "line")
    async with running(queue):
        await wait_until(lambda: queue._dispatching)
        with pytest.raises(Unavailable):
            await _accept_in_vain(works, queue)
        await accept(works, queue, "bea/1")
        await wait_until(all_are(works, "done"))
    assert adapter.handled == ["bea/1"]
    assert adapter.foreseen == ["ann/1", "bea/1"]


async def test_what_is_asked_ahead_is_of_people_who_have_nothing_open(works: Works[Work]) -> None:
    gate = asyncio.Event()
    adapter = Adapter(lambda _event: gate.wait())
    queue = InboundQueue(works, adapter, "line")
    async with running(queue):
        await wait_until(lambda: queue._dispatching)
        await accept(works, queue, "ann/1", "ann/2", "bea/1")
        await accept(works, queue, "ann/3", "bea/2", "cem/1")
        assert adapter.foreseen == ["ann/1", "bea/1", "cem/1"]
        gate.set()
        await wait_until(all_are(works, "done"))


async def _accept_in_vain(works: Works[Work], queue: InboundQueue) -> None:
    async with works.begin("fukuoka") as work:
        await queue.accept([arrived("ann/1")], work)
        raise Unavailable("away")


async def test_a_flood_tells_a_few_people_at_a_time_the_longest_waiting_first(works: Works[Work]) -> None:
    people = [f"person-{number}/1" for number in range(5)]
    await accept(works, InboundQueue(works, Adapter(), "line"), *people)
    rows = EventRows(works)
    told = [{pending.event.event_id for pending in await rows.late(0.0, 2)} for _ in range(4)]
    assert told == [set(people[:2]), set(people[2:4]), set(people[4:]), set()]


async def test_an_event_that_comes_twice_is_handled_once(works: Works[Work]) -> None:
    adapter = Adapter()
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, "a/1", "a/1", "a/2")
    await accept(works, queue, "a/1")
    async with running(queue):
        await wait_until(all_are(works, "done"))
        await accept(works, queue, "a/2", "a/3")
        await wait_until(lambda: adapter.handled == ["a/1", "a/2", "a/3"])


async def test_what_is_unavailable_waits_with_everything_behind_it_and_nobody_else(works: Works[Work]) -> None:
    back = asyncio.Event()

    async def down_for_a(event: PendingEvent) -> None:
        if event.event.event_id == "a/1" and not back.is_set():
            raise Unavailable("reports-down")

    adapter = Adapter(down_for_a)
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, "a/1", "a/2", "b/1", "b/2")
    async with running(queue):
        await wait_until(lambda: adapter.handled == ["b/1", "b/2"])
        await wait_until(
            lambda: _is(states(works), {"a/1": "waiting", "a/2": "received", "b/1": "done", "b/2": "done"})
        )
        back.set()
        await wait_until(all_are(works, "done"))
    assert adapter.handled == ["b/1", "b/2", "a/1", "a/2"]


async def test_a_person_who_waits_long_is_told_once(works: Works[Work], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._TELL_AFTER_SECONDS", 0.5)
    back = asyncio.Event()

    async def down(_event: PendingEvent) -> None:
        if not back.is_set():
            raise Unavailable("reports-down")

    adapter = Adapter(down)
    queues = [InboundQueue(works, adapter, "line") for _ in range(2)]
    await accept(works, queues[0], "a/1", "a/2")
    async with running(*queues):
        await wait_until(lambda: adapter.told)
        back.set()
        await wait_until(all_are(works, "done"))
    assert adapter.told.count("a/1") == 1


async def test_an_answer_is_kept_for_the_next_try(works: Works[Work]) -> None:
    seen: list[tuple[bytes | None, str, str]] = []

    async def fail_after_the_turn(event: PendingEvent) -> None:
        seen.append((event.stored, event.pod, event.reply_mark))
        if event.stored is None:
            await event.mark_turned(b"answer", "reports")
            await event.mark_replying("token-1")
            raise Unavailable("line-down")

    adapter = Adapter(fail_after_the_turn)
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, "a/1")
    async with running(queue):
        await wait_until(all_are(works, "done"))
    assert seen == [(None, "", ""), (b"answer", "reports", "token-1")]
    assert adapter.told == []


async def test_who_is_stopped_ends_what_was_begun_and_begins_nothing_new(works: Works[Work]) -> None:
    gate = asyncio.Event()
    adapter = Adapter(lambda _event: gate.wait())
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, "a/1", "a/2")
    running = asyncio.create_task(queue.run())
    await wait_until(lambda: adapter.busy["a"])
    queue.stop()
    await accept(works, queue, "b/1")
    gate.set()
    await asyncio.wait_for(running, 60)
    assert await states(works) == {"a/1": "done", "a/2": "received", "b/1": "received"}
    async with works.begin("") as work:
        due = await work.db.fetchval("SELECT count(*) FROM inbound_events WHERE due_at <= now() AND state = 'received'")
    assert due == 2, "another replica takes them at once"


async def test_an_event_of_a_dead_process_comes_again_after_its_lease(works: Works[Work]) -> None:
    queue = InboundQueue(works, Adapter(), "line")
    await accept(works, queue, "a/1", "a/2")
    [dead] = await EventRows(works).claim(5, {})
    assert await EventRows(works).claim(5, {}) == []
    async with works.begin("") as work:
        await work.db.execute("UPDATE inbound_events SET due_at = now() WHERE event_id = 'a/1'")
    adapter = Adapter()
    async with running(InboundQueue(works, adapter, "line")):
        await wait_until(all_are(works, "done"))
    assert adapter.handled == ["a/1", "a/2"]
    with pytest.raises(Unavailable, match="lease-lost"):
        await dead.mark("failed")


async def test_a_long_handling_keeps_its_lease(works: Works[Work], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after an error at a renewal that nobody foresaw."""
    monkeypatch.setattr("machi_sdk.inbound.queue._RENEW_SECONDS", 0.05)
    odd, renew = [OSError(28, "no space")], EventRows.renew

    async def oddly(rows: EventRows, leases: Mapping[int, int]) -> None:
        if odd:
            raise odd.pop()
        await renew(rows, leases)

    monkeypatch.setattr(EventRows, "renew", oddly)
    run_out, go_on = asyncio.Event(), asyncio.Event()

    async def take_long(_event: PendingEvent) -> None:
        async with works.begin("") as work:
            await work.db.execute("UPDATE inbound_events SET due_at = now()")
        run_out.set()
        await go_on.wait()

    first, second = Adapter(take_long), Adapter()
    await accept(works, InboundQueue(works, first, "line"), "a/1")

    async def renewed() -> bool:
        async with works.begin("") as work:
            return bool(await work.db.fetchval("SELECT due_at > now() FROM inbound_events"))

    async with running(InboundQueue(works, first, "line")):
        await run_out.wait()
        await wait_until(renewed)
        async with running(InboundQueue(works, second, "line")):
            go_on.set()
            await wait_until(all_are(works, "done"))
    assert (first.handled, second.handled) == (["a/1"], [])


async def test_no_renewal_under_way_prolongs_a_wait(works: Works[Work], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._RENEW_SECONDS", 0.05)
    renew, begun, go_on = EventRows.renew, asyncio.Event(), asyncio.Event()

    async def slowly(rows: EventRows, leases: Mapping[int, int]) -> None:
        if leases:
            begun.set()
            await go_on.wait()
            await renew(rows, leases)

    monkeypatch.setattr(EventRows, "renew", slowly)

    async def down(_event: PendingEvent) -> None:
        await begun.wait()
        asyncio.get_running_loop().call_later(0.2, go_on.set)
        raise Unavailable("reports-down")

    queue = InboundQueue(works, Adapter(down), "line")
    await accept(works, queue, "a/1")

    async def pause() -> float:
        async with works.begin("") as work:
            found: float = await work.db.fetchval(
                "SELECT extract(epoch FROM due_at - now())::float8 FROM inbound_events WHERE state = 'waiting'"
            )
            return found

    async with running(queue):
        await wait_until(go_on.is_set)
        await wait_until(lambda: _is(states(works), {"a/1": "waiting"}))
        assert await pause() < 4.5, "a lease is eight seconds"


async def test_a_lost_lease_is_not_renewed(works: Works[Work]) -> None:
    await accept(works, InboundQueue(works, Adapter(), "line"), "a/1")
    rows = EventRows(works)
    (event,) = await rows.claim(1, {})
    await event.wait(0.0, "reports-down")
    await rows.renew({event.id: event.tries - 1})
    assert [again.tries for again in await EventRows(works).claim(1, {})] == [event.tries + 1]


async def test_what_can_never_succeed_fails_and_lets_the_next_through(
    works: Works[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_sdk.inbound.queue._LONGEST_WAIT", 0.01)
    tries: Counter[str] = Counter()

    async def refuse(event: PendingEvent) -> None:
        tries[event.event.event_id] += 1
        if event.event.event_id == "a/1":
            raise Invalid("nonsense")
        if event.event.event_id == "a/2":
            raise ValueError("a bug")

    adapter = Adapter(refuse)
    queue = InboundQueue(works, adapter, "line")
    await accept(works, queue, "a/1", "a/2", "a/3")
    async with running(queue):
        await wait_until(lambda: _is(states(works), {"a/1": "failed", "a/2": "failed", "a/3": "done"}))
    assert tries == {"a/1": 1, "a/2": 8, "a/3": 1}


async def _is(found: Awaitable[dict[str, str]], expected: dict[str, str]) -> bool:
    return await found == expected
