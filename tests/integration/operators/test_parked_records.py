"""Records that nobody can handle: set aside, seen, and ended by an operator, while the flow goes on."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from machi.pods.v1.events_pb2 import PodUninstalled
from machi_sdk.clock import SystemClock
from machi_sdk.envelope import Provenance, headers_of
from tests.architecture.house import in_the_stack
from tests.city import City, machi
from tests.parked import Poison, drop_all, parked, set_aside, writer
from tests.story import OFFICER_HAKATA, file_report

pytestmark = [pytest.mark.integration, pytest.mark.stack]
FACTS, PARTITIONS = "machi.reports.v1", 6
HEADERS = {"ce_type": "machi.reports.v1.ReportFiled", "ce_tenant": "fukuoka"}
PLANTED = "はかたたろう-090-0000-1234"
UNREADABLE = b"\xff\xfe\x00" + PLANTED.encode()


@pytest.fixture(autouse=True)
async def _tidied(city: City) -> AsyncIterator[None]:
    yield
    await drop_all(city)


async def test_unreadable_records_stand_in_nobodys_way(city: City) -> None:
    resident = await city.resident()
    async with writer(city) as kafka:
        for partition in range(PARTITIONS):
            poison = Poison({**HEADERS, "ce_id": f"poison-{partition}"}, UNREADABLE, PLANTED.encode())
            await poison.put(kafka, FACTS, partition)
    number = await file_report(resident)
    before = await resident.last()
    await city.simulator.slack.press(OFFICER_HAKATA, await city.card(number), "acknowledge")
    assert number in await resident.hears(before), "the facts behind the poison were not handled"

    found = await set_aside(city, PARTITIONS)
    assert [(pod, each.reason) for pod, each in found] == [("notifications", "event-not-readable")] * PARTITIONS
    identifiers = {each.event_id: str(each.id) for _, each in found}
    shown = machi(city.state, "dlq", "show", "notifications", identifiers["poison-0"])
    seen = [machi(city.state, "dlq", "list"), shown]
    assert all("event-not-readable" in each for each in seen)
    assert "poison-0" in shown
    assert PLANTED not in "".join(seen)
    assert "stays parked: event-not-readable" in machi(city.state, "dlq", "replay", "notifications", check=False)
    assert "dropped" in machi(city.state, "dlq", "drop", "notifications", *identifiers.values())
    assert await parked(city) == []


async def test_a_stray_event_is_parked_at_once_by_whoever_reads_the_topic(city: City) -> None:
    event = PodUninstalled(pod="nobody")
    groups = {(entry.topic, entry.group) for service in in_the_stack() for entry in service.manifest.consumes}
    async with writer(city) as kafka:
        for topic in {topic for topic, _ in groups}:
            headers = headers_of(event, Provenance(f"stray-{topic}", "test", "fukuoka", SystemClock().now()))
            await Poison(headers, event.SerializeToString()).put(kafka, topic)
    found = await set_aside(city, len(groups))
    assert {(record.topic, record.consumer) for _, record in found} == groups
    assert {record.reason for _, record in found} == {"event-type-unknown"}


async def test_what_a_pod_may_not_ask_for_just_now_waits_and_is_told_when_it_may(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    before = await resident.last()
    put_off = await _retries(city)

    async def refused() -> bool:
        return await _retries(city) > put_off

    machi(city.state, "pods", "uninstall", "notifications")
    try:
        await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")
        await city.until(refused, what="notifications was not refused")
    finally:
        machi(city.state, "pods", "install", "notifications")
    assert number in await resident.hears(before)
    assert await parked(city) == []


@pytest.mark.parametrize("slip", ["show notifications 999", "replay nobody"])
def test_an_operators_slip_is_answered_with_the_cure(stack: Path, slip: str) -> None:
    with pytest.raises(AssertionError, match="cure: "):
        machi(stack, "dlq", *slip.split())


async def _retries(city: City) -> float:
    """How many batches notifications has put off."""
    async with aiohttp.ClientSession() as session:
        page = await (await session.get(f"{city.http()['notifications']}/metrics")).text()
    counts = (line.rpartition(" ")[2] for line in page.splitlines() if line.startswith("machi_consumer_retries_total{"))
    return sum(map(float, counts))
