"""Telling, holding, releasing, and outcomes on a real PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import machi_notifications
from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi_notifications.adapters.letters import ReportLetters
from machi_notifications.adapters.messages import Templates
from machi_notifications.adapters.policies import load_policies
from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.domain.delivery import Delivery, State
from machi_notifications.domain.fact import Contact, Fact, News
from machi_notifications.domain.policy import AtNight, Policy, Rule
from machi_notifications.use_cases.note_outcome import note_outcome
from machi_notifications.use_cases.release_held import release_held
from machi_notifications.use_cases.tell_reporter import tell_reporter
from machi_sdk import migrating
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Missing
from machi_sdk.telemetry import current_trace_id, remote_span, start_tracing
from machi_sdk.testing import PodDatabase
from machi_sdk.texts import Texts
from machi_sdk.work import Works

pytestmark = pytest.mark.integration

HERE = Path(machi_notifications.__file__).parent
SERVICE = Path(__file__).parent.parent
LETTERS = ReportLetters(Templates(Texts(HERE / "templates")))
QUIET = load_policies(HERE / "policy.yaml").of("fukuoka")
HOLD = Policy(QUIET.quiet_hours, {"ReportResolved": Rule(AtNight.HOLD, timedelta(hours=48))})
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
        rows = await work.db.fetch("SELECT key, headers->>'ce_tenant' AS tenant, payload FROM outbox ORDER BY id")
    assert all(row["tenant"] == "fukuoka" for row in rows)
    return [(row["key"], DeliveryRequested.FromString(row["payload"])) for row in rows]


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


async def test_held_for_too_long_is_not_sent(works: All, clock: ManualClock) -> None:
    clock.advance(NIGHT - NOON)
    await tell(works, news(at=NIGHT), HOLD)
    clock.advance(timedelta(hours=49))
    async with works.begin("fukuoka") as work:
        await release_held(work)
    assert await left(works) == []
    assert [each.state for each in await listed(works)] == [State.EXPIRED]


async def test_old_facts_read_again_send_nothing(works: All) -> None:
    await tell(works, news(at=NOON - timedelta(days=30)))
    assert await left(works) == []
    assert [(each.state, each.reason) for each in await listed(works)] == [(State.EXPIRED, "too-old")]


async def test_nobody_to_reach_is_said(works: All) -> None:
    await tell(works, replace(news(), contact=Contact("c-1", "", "")))
    assert await left(works) == []
    assert [(each.state, each.reason) for each in await listed(works)] == [(State.REFUSED, "no-channel")]


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
