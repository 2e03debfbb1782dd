"""Telling, holding, releasing, and outcomes on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import machi_notifications
from machi.deliveries.v1.events_pb2 import DeliveryConcluded, DeliveryRequested, DeliveryState
from machi_notifications.adapters.letters import ReportLetters
from machi_notifications.adapters.messages import Templates
from machi_notifications.adapters.policies import load_policies
from machi_notifications.adapters.work import OUTCOMES, REQUESTS, NotificationsWork
from machi_notifications.domain.delivery import Delivery, State
from machi_notifications.domain.fact import Contact, Fact, News
from machi_notifications.domain.policy import AtNight, Policy, Rule
from machi_notifications.entrypoints.morning import Morning
from machi_notifications.use_cases.note_outcome import note_outcome
from machi_notifications.use_cases.release_held import release_held
from machi_notifications.use_cases.tell_reporter import tell_reporter
from machi_sdk import migrating
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing
from machi_sdk.telemetry import current_trace_id, remote_span, start_tracing
from machi_sdk.testing import PodDatabase, wait_until
from machi_sdk.texts import Texts
from machi_sdk.work import Works

pytestmark = pytest.mark.integration

HERE = Path(machi_notifications.__file__).parent
SERVICE = Path(__file__).parent.parent
LETTERS = ReportLetters(Templates(Texts(HERE / "templates")))
QUIET = load_policies(HERE / "policy.yaml").of("fukuoka")
HOLD = Policy(QUIET.quiet_hours, {"ReportResolved": Rule(AtNight.HOLD, timedelta(hours=48))})
# Words wait for the morning; that a case was closed is news by night, and for two hours.
MIXED = Policy(
    QUIET.quiet_hours,
    {
        "ReporterWrittenTo": Rule(AtNight.HOLD, timedelta(hours=48)),
        "ReportResolved": Rule(AtNight.QUIET, timedelta(hours=2)),
    },
)
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)

All = Works[NotificationsWork]


def news(cause: str = "ReportResolved", version: int = 3, at: datetime = NOON) -> News:
    fact = Fact(cause, "r-1", "ABC-123-4", "c-1", version, at, "u-1")
    return News(fact, Contact("c-1", "en", "line"), "Lamp replaced <today>")


async def tell(works: All, told: News, policy: Policy = QUIET, tenant: str = "fukuoka") -> None:
    async with works.begin(tenant) as work:
        await tell_reporter(work, told, policy, LETTERS)


async def listed(works: All, tenant: str = "fukuoka") -> list[Delivery]:
    async with works.begin(tenant) as work:
        return await work.deliveries.of_thread("r-1")


async def left(works: All) -> list[tuple[str, DeliveryRequested]]:
    async with works.begin("") as work:
        rows = await work.db.fetch(
            "SELECT key, headers->>'ce_tenant' AS tenant, payload FROM outbox WHERE topic = $1 ORDER BY id", REQUESTS
        )
    assert all(row["tenant"] == "fukuoka" for row in rows)
    return [(row["key"], DeliveryRequested.FromString(row["payload"])) for row in rows]


async def concluded(works: All) -> list[DeliveryConcluded]:
    """The ends that leave for whoever waits for them."""
    async with works.begin("") as work:
        rows = await work.db.fetch("SELECT payload FROM outbox WHERE topic = $1 ORDER BY id", OUTCOMES)
    return [DeliveryConcluded.FromString(row["payload"]) for row in rows]


async def test_a_fact_by_day_becomes_one_request_however_often_it_comes(works: All) -> None:
    await tell(works, news())
    await tell(works, news())
    ((key, request),) = await left(works)
    (delivery,) = await listed(works)
    assert key == request.citizen_id == "c-1"
    assert (request.delivery_id, request.thread, request.version) == (delivery.delivery_id, "r-1", 3)
    assert (request.purpose, request.language, request.quiet) == ("reports.case-updates", "en", False)
    assert request.send_before.ToDatetime(UTC) == NOON + timedelta(hours=72)
    assert "Lamp replaced <today>" in request.messages[0].card.body
    assert (delivery.state, delivery.cause, delivery.requested_at) == (State.REQUESTED, "ReportResolved", NOON)


async def test_a_question_brings_its_session_along(works: All) -> None:
    asked = news("ReporterAsked")
    await tell(works, replace(asked, fact=replace(asked.fact, session_id="s-1")))
    ((_, request),) = await left(works)
    assert (request.focus_pod, request.focus_session_id) == ("reports", "s-1")


async def test_at_night_the_shipped_policy_sends_without_sound(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news(at=NIGHT))
    ((_, request),) = await left(works)
    assert request.quiet


async def test_held_until_the_morning_then_forgotten_here(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news(at=NIGHT), HOLD)
    assert await left(works) == []
    (held,) = await listed(works)
    assert (held.state, held.held_until) == (State.HELD, MORNING)
    async with works.begin("fukuoka") as work:
        assert await release_held(work) == 0
    clock.advance(MORNING - NIGHT)
    async with works.begin("fukuoka") as work:
        assert await release_held(work) == 1
    assert [request.delivery_id for _, request in await left(works)] == [held.delivery_id]
    assert [each.state for each in await listed(works)] == [State.REQUESTED]
    async with works.begin("fukuoka") as work:
        assert await work.db.fetchval("SELECT held_request FROM deliveries") == b""


async def test_what_was_held_leaves_on_the_trace_of_its_fact(works: All, clock: ManualClock) -> None:
    start_tracing("notifications", "")
    clock.advance(NIGHT - NOON)
    with remote_span("fact", {}):
        trace = current_trace_id()
        await tell(works, news(at=NIGHT), HOLD)
    clock.advance(MORNING - NIGHT)
    async with works.begin("fukuoka") as work:
        await release_held(work)
    async with works.begin("") as work:
        parents = await work.db.fetch("SELECT headers->>'traceparent' AS parent FROM outbox")
        hops = await work.db.fetch("SELECT trace_id FROM hops WHERE name = 'delivery-requested'")
    assert [row["parent"].split("-")[1] for row in parents] == [row["trace_id"] for row in hops] == [trace]


async def test_with_two_replicas_what_was_held_of_one_case_leaves_in_its_order(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    older, newer = news(version=3, at=NIGHT), news(version=4, at=NIGHT)
    others = [replace(older, fact=replace(older.fact, report_id=f"r-0{n:02}")) for n in range(99)]
    for told in (*others, older, newer):
        await tell(works, told, HOLD)
    clock.advance(MORNING - NIGHT)
    async with works.begin("fukuoka") as one:
        assert await release_held(one) == len([*others, older])
        async with works.begin("fukuoka") as two:
            assert await release_held(two) == 0, "the other replica has the case's older message in hand"
    async with works.begin("fukuoka") as one:
        assert await release_held(one) == 1
    assert [request.version for _, request in await left(works) if request.thread == "r-1"] == [3, 4]


async def released(works: All) -> list[int]:
    """The versions that have left once what is due was released."""
    async with works.begin("fukuoka") as work:
        await release_held(work)
    return [request.version for _, request in await left(works)]


async def test_news_of_the_seconds_after_the_night_leave_behind_what_is_still_held(
    works: All, clock: ManualClock
) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news("ReporterWrittenTo", version=3, at=NIGHT), MIXED)
    clock.advance(MORNING - NIGHT + timedelta(seconds=2))
    await tell(works, news(version=4, at=clock.now()), MIXED)
    assert await left(works) == [], "the officer's words would be superseded"
    assert await released(works) == [3, 4]
    await tell(works, news(version=5, at=clock.now()), MIXED)
    assert [request.version for _, request in await left(works)] == [3, 4, 5]


async def test_what_comes_while_the_older_one_is_being_released_waits_for_it(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news("ReporterWrittenTo", version=3, at=NIGHT), MIXED)
    clock.advance(MORNING - NIGHT)
    async with works.begin("fukuoka") as releasing:
        await release_held(releasing)
        await tell(works, news(version=4, at=clock.now()), MIXED)
        assert await left(works) == []
    assert await released(works) == [3, 4]


async def test_a_kind_that_is_sent_by_night_waits_with_the_held_one_of_its_case_alone(
    works: All, clock: ManualClock
) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news("ReporterWrittenTo", version=3, at=NIGHT), MIXED)
    clock.advance(timedelta(hours=1))
    closed = news(version=4, at=clock.now())
    await tell(works, closed, MIXED)
    await tell(works, replace(closed, fact=replace(closed.fact, report_id="r-2")), MIXED)
    assert [request.thread for _, request in await left(works)] == ["r-2"]
    clock.advance(MORNING - clock.now())  # nine hours later: what is news for two hours alone, too
    assert await released(works) == [4, 3, 4]
    assert [each.state for each in await listed(works)] == [State.REQUESTED] * 2


async def test_what_nobody_foresaw_of_one_municipality_holds_up_no_other(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    for tenant in ("fukuoka", "sapporo"):
        await tell(works, news(at=NIGHT), HOLD, tenant)
    async with works.begin("fukuoka") as work:
        await work.db.execute("UPDATE deliveries SET held_request = 'no request at all'")
    clock.advance(MORNING - NIGHT)
    morning = asyncio.ensure_future(Morning(works, frozenset({"fukuoka", "sapporo"})).run())

    async def released() -> bool:
        return [each.state for each in await listed(works, "sapporo")] == [State.REQUESTED] or morning.done()

    await wait_until(released)
    morning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await morning
    assert [each.state for each in await listed(works)] == [State.HELD]


async def test_held_for_too_long_is_not_sent(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news(at=NIGHT), HOLD)
    clock.advance(timedelta(hours=49))
    async with works.begin("fukuoka") as work:
        await release_held(work)
    assert await left(works) == []
    assert [each.state for each in await listed(works)] == [State.EXPIRED]
    assert [(end.thread, end.version, end.reason) for end in await concluded(works)] == [("r-1", 3, "too-old")]


async def test_the_desk_hears_of_what_came_too_late_to_be_sent(works: All) -> None:
    late = news("ReporterAsked", at=NOON - timedelta(hours=80))
    await tell(works, late)
    await tell(works, late)
    (delivery,) = await listed(works)
    (end,) = await concluded(works)
    assert (await left(works), delivery.state) == ([], State.EXPIRED)
    assert (end.delivery_id, end.citizen_id, end.thread, end.version) == (delivery.delivery_id, "c-1", "r-1", 3)
    assert (end.state, end.reason) == (DeliveryState.DELIVERY_STATE_EXPIRED, "too-old")


async def test_old_facts_read_again_send_nothing(works: All) -> None:
    await tell(works, news(at=NOON - timedelta(days=30)))
    assert (await left(works), await concluded(works)) == ([], [])
    assert [(each.state, each.reason) for each in await listed(works)] == [(State.EXPIRED, "too-old")]


async def test_the_desk_hears_of_what_has_no_way_to_the_person(works: All) -> None:
    away = replace(news(), contact=Contact("c-1", "", ""))
    await tell(works, away)
    await tell(works, away)
    (delivery,) = await listed(works)
    (end,) = await concluded(works)
    assert (await left(works), delivery.state, delivery.reason) == ([], State.FAILED, "no-channel")
    assert (end.delivery_id, end.citizen_id, end.thread, end.version) == (delivery.delivery_id, "c-1", "r-1", 3)
    assert (end.state, end.reason) == (DeliveryState.DELIVERY_STATE_FAILED, "no-channel")


async def test_outcomes_never_go_backwards(works: All) -> None:
    await tell(works, news())
    (delivery,) = await listed(works)
    seen = []
    for state in (State.UNKNOWN, State.ACCEPTED, State.UNKNOWN, State.FAILED):
        async with works.begin("fukuoka") as work:
            await note_outcome(work, delivery.delivery_id, state, state.value, NOON)
        seen.append((await listed(works))[0].state)
    assert seen == [State.UNKNOWN, State.ACCEPTED, State.ACCEPTED, State.ACCEPTED]


async def test_an_outcome_of_nothing_is_missing(works: All) -> None:
    with pytest.raises(Missing):
        async with works.begin("fukuoka") as work:
            await note_outcome(work, "nobody", State.ACCEPTED, "", NOON)


async def test_another_tenant_sees_and_changes_nothing(works: All) -> None:
    await tell(works, news())
    (delivery,) = await listed(works)
    assert await listed(works, "taipei") == []
    with pytest.raises(Missing):
        async with works.begin("taipei") as work:
            await note_outcome(work, delivery.delivery_id, State.FAILED, "", NOON)


def test_migrations_go_up_down_up_and_match_the_tables(database: PodDatabase) -> None:
    assert migrating.round_trip(SERVICE, database.owner_url) == ""
