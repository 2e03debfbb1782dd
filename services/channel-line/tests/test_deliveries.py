"""Deliveries: from a request on Kafka to LINE and the truth on Kafka."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from line_city import LineCity

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.deliveries.v1 import events_pb2 as deliveries
from machi.dialogue.v1 import messages_pb2 as neutral
from machi.identity.v1 import identity_service_pb2 as identity
from machi_sdk.ids import new_id
from machi_sdk.testing import publish, read_all, wait_until
from machi_sdk.testing.kafka import Event
from machi_sdk.work import Work
from machi_simulator.faults import Fault

pytestmark = pytest.mark.integration

PUSH = "/line/v2/bot/message/push"
AGED = """
UPDATE deliveries SET tries = 20, due_at = now() WHERE state = 'open' AND reason = 'channel-not-here' RETURNING true
"""


def requested(user: str, words: str, version: int = 1, **more: object) -> deliveries.DeliveryRequested:
    text = neutral.Message(text=neutral.Text(text=words))
    request = deliveries.DeliveryRequested(
        delivery_id=new_id(),
        citizen_id=f"c-{user}",
        channel="line",
        purpose="lamps.updates",
        thread=f"case-{user}",
        version=version,
        language="ja",
        messages=[text],
    )
    request.send_before.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    for name, value in more.items():
        setattr(request, name, value)
    return request


async def resident(city: LineCity) -> str:
    """Somebody identity knows, who follows the account."""
    user = await city.simulator.line.create()
    await city.simulator.line.follow(user)
    await city.until_heard(user, 1)
    return user


async def ends(
    city: LineCity, requests: list[deliveries.DeliveryRequested], tenant: str = "fukuoka"
) -> list[tuple[str, str]]:
    """Ask for the deliveries; their ends, in order, once all have one."""
    events = [Event(each.citizen_id, each, tenant) for each in requests]
    await publish(city.bootstrap, "machi.deliveries.requests.v1", events)
    found: dict[str, tuple[str, str]] = {}

    async def all_ended() -> bool:
        for record in await read_all(city.bootstrap, "machi.deliveries.outcomes.v1"):
            if isinstance(record.event, deliveries.DeliveryConcluded):
                state = deliveries.DeliveryState.Name(record.event.state).removeprefix("DELIVERY_STATE_")
                found[record.event.delivery_id] = (state.lower(), record.event.reason)
        return all(each.delivery_id in found for each in requests)

    await wait_until(all_ended)
    return [found[each.delivery_id] for each in requests]


async def test_what_is_asked_of_a_tenant_without_line_comes_to_an_end(city: LineCity) -> None:
    asked = requested("somebody", "だれ", 7)

    async def a_quarter_of_an_hour_passes() -> None:
        """No newer replica, one that has the tenant's channel, has taken it."""

        async def put_off() -> bool:
            async with city.pod.works(Work).begin("sapporo") as work:
                return bool(await work.db.fetch(AGED))

        await wait_until(put_off)

    found, _ = await asyncio.gather(ends(city, [asked], "sapporo"), a_quarter_of_an_hour_passes())
    assert found == [("failed", "no-channel")]
    said = [record.event for record in await read_all(city.bootstrap, "machi.deliveries.outcomes.v1")]
    ours = [each for each in said if isinstance(each, deliveries.DeliveryConcluded) and each.thread == asked.thread]
    assert [each.version for each in ours] == [7], "it says what it was about"


async def test_each_delivery_ends_as_it_should(city: LineCity) -> None:
    user, other = await resident(city), await resident(city)
    city.identity.refusing.add("lamps.adverts")
    late = requested(user, "遅い")
    late.send_before.FromDatetime(datetime.now(UTC) - timedelta(seconds=1))
    asked = [
        requested(user, "一"),
        requested(user, "二", 3),
        requested(user, "古い", 2),
        requested(user, "広告", purpose="lamps.adverts", thread="other"),
        late,
        requested("stranger", "だれ"),
        requested(other, "静か", quiet=True),
        requested(user, "三", 4),
    ]
    assert await ends(city, asked) == [
        ("accepted", ""),
        ("accepted", ""),
        ("superseded", "newer-version-sent"),
        ("refused", "no-consent"),
        ("expired", "send-before"),
        ("failed", "citizen-unknown"),
        ("accepted", ""),
        ("accepted", ""),
    ]
    assert await city.heard(user) == ["welcomeです", "一", "二", "三"]
    assert await city.heard(other) == ["welcomeです", "静か"]
    assert await city.simulator.refused() == []


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_hang", "status"])
async def test_trouble_at_line_means_once_and_later(city: LineCity, kind: str) -> None:
    user = await resident(city)
    await city.simulator.plan(Fault.model_validate({"path": PUSH, "kind": kind, "status": 429, "ms": 4000, "count": 2}))
    assert await ends(city, [requested(user, "直りました")]) == [("accepted", "")]
    assert await city.heard(user) == ["welcomeです", "直りました"]
    assert city.identity.releases["RELEASE_BASIS_CONSENT"] >= 2


async def test_what_may_have_arrived_is_not_said_to_be_refused(city: LineCity) -> None:
    user = await resident(city)
    await city.simulator.plan(Fault(path=PUSH, kind="accept_then_hang", ms=4000))
    ending = asyncio.create_task(ends(city, [requested(user, "届いたかも", purpose="lamps.adverts")]))
    await wait_until(lambda: _was_pushed(city))
    city.identity.refusing.add("lamps.adverts")
    assert await ending == [("unknown", "not-confirmed")]


async def _was_pushed(city: LineCity) -> bool:
    return bool(await city.simulator.received("message/push"))


async def test_what_line_never_took_is_too_late_and_not_unknown(city: LineCity) -> None:
    user = await resident(city)
    await city.simulator.plan(Fault(path=PUSH, kind="status", status=429, count=100))
    request = requested(user, "間に合わない")
    request.send_before.FromDatetime(datetime.now(UTC) + timedelta(seconds=3))
    assert await ends(city, [request]) == [("expired", "send-before")]


async def test_a_question_becomes_the_focus_of_a_person_in_no_dialogue(city: LineCity) -> None:
    idle, busy = await resident(city), await resident(city)
    city.identity.focus[f"c-{busy}"] = identity.Focus(pod="lamps", session_id="s-9", version=4)
    asked = [requested(user, "いつですか", focus_pod="lamps", focus_session_id="s-7") for user in (idle, busy)]
    assert await ends(city, asked) == [("accepted", ""), ("accepted", "")]
    assert city.identity.focus[f"c-{idle}"].session_id == "s-7"
    assert city.identity.focus[f"c-{busy}"].session_id == "s-9"


async def merged(city: LineCity, from_id: str, into_id: str) -> None:
    """Two citizens turned out to be one; heard of twice."""
    fact = CitizenMerged(from_id=from_id, into_id=into_id)
    await publish(city.bootstrap, "machi.citizens.v1", [Event(into_id, fact), Event(into_id, fact)])

    async def known() -> bool:
        async with city.pod.works(Work).begin("fukuoka") as work:
            return bool(await work.db.fetchval("SELECT true FROM aliases WHERE former_id = $1", from_id))

    await wait_until(known)


async def test_what_was_sent_under_a_former_id_counts_for_the_person(city: LineCity) -> None:
    user = await resident(city)
    city.identity.addresses["c-kept"] = user
    newest = requested(user, "三", 3)
    assert await ends(city, [newest]) == [("accepted", "")]
    await merged(city, f"c-{user}", "c-kept")
    old = requested(user, "二", 2, citizen_id="c-kept", thread=newest.thread)
    late = requested(user, "一", 1, thread=newest.thread)
    assert await ends(city, [old, late]) == [("superseded", "newer-version-sent")] * 2
    assert await city.heard(user) == ["welcomeです", "三"]


async def test_the_menu_speaks_the_language_of_the_one_person(city: LineCity) -> None:
    user = await resident(city)
    line = city.simulator.line

    async def menu() -> dict[str, object] | None:
        return (await line.resident(user)).menu

    await wait_until(menu)
    default = await menu()
    city.identity.addresses["c-kept"] = user
    city.identity.languages["c-kept"] = "en"
    await merged(city, f"c-{user}", "c-kept")

    async def in_english() -> bool:
        return await menu() not in (None, default)

    await wait_until(in_english)
