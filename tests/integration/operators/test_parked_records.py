"""Records that nobody can handle: set aside, seen, and ended by an operator, while the flow goes on."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from machi.pods.v1.events_pb2 import PodUninstalled
from machi_sdk.clock import SystemClock
from machi_sdk.envelope import Provenance, headers_of, wire_headers
from tests.architecture.house import services
from tests.city import City, machi
from tests.story import OFFICER_HAKATA, file_report

pytestmark = [pytest.mark.integration, pytest.mark.stack]
FACTS = "machi.reports.v1"
PLANTED = "はかたたろう-090-0000-1234"
UNREADABLE = b"\xff\xfe\x00" + PLANTED.encode()
Row = dict[str, object]


@asynccontextmanager
async def writer(city: City) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody who may write to the city's topics and should not."""
    servers = json.loads((city.state / "state.json").read_text())["servers"]
    producer = AIOKafkaProducer(bootstrap_servers=servers["kafka"])
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def parked(city: City) -> list[Row]:
    """What `machi dlq list --json` says."""
    rows: list[Row] = json.loads(machi(city.state, "dlq", "list", "--json"))
    return rows


async def set_aside(city: City, count: int) -> list[Row]:
    """The parked records, once there are so many."""

    async def look() -> list[Row]:
        rows = parked(city)
        return rows if len(rows) >= count else []

    return await city.until(look, 15, f"there were never {count} parked records")


def drop(city: City, rows: list[Row]) -> str:
    """Drop what is parked, so that the city is well again."""
    for pod in sorted({str(row["pod"]) for row in rows}):
        machi(city.state, "dlq", "drop", pod, *(str(row["id"]) for row in rows if row["pod"] == pod))
    return machi(city.state, "dlq", "list")


async def test_unreadable_records_stand_in_nobodys_way(city: City) -> None:
    resident = await city.resident()
    partitions = range(6)
    async with writer(city) as kafka:
        headers = [("ce_id", b"poison"), ("ce_type", b"machi.reports.v1.ReportFiled"), ("ce_tenant", b"fukuoka")]
        for number in partitions:
            named = [("ce_id", f"poison-{number}".encode()), *headers[1:]]
            await kafka.send_and_wait(FACTS, UNREADABLE, key=PLANTED.encode(), headers=named, partition=number)
    number = await file_report(resident)
    before = await resident.last()
    await city.simulator.slack.press(OFFICER_HAKATA, await city.card(number), "acknowledge")
    assert number in await resident.hears(before), "the facts behind the poison were not handled"

    rows = await set_aside(city, len(partitions))
    assert [(row["pod"], row["reason"]) for row in rows] == [("notifications", "event-not-readable")] * 6
    seen = machi(city.state, "dlq", "list") + machi(city.state, "dlq", "show", "notifications", str(rows[0]["id"]))
    assert str(rows[0]["event_id"]) in seen
    assert PLANTED not in seen
    assert "stays parked: event-not-readable" in machi(city.state, "dlq", "replay", "notifications", check=False)
    assert not city.doctor()["ok"]
    assert drop(city, rows) == "nothing is parked\n"


async def test_a_stray_event_is_parked_at_once_by_whoever_reads_the_topic(city: City) -> None:
    stray = PodUninstalled(pod="nobody")
    groups = {entry.topic: entry.group for service in services() for entry in service.manifest.consumes}
    async with writer(city) as kafka:
        for topic in groups:
            headers = headers_of(stray, Provenance(f"stray-{topic}", "test", "fukuoka", SystemClock().now()))
            await kafka.send_and_wait(topic, stray.SerializeToString(), headers=wire_headers(headers), partition=0)
        # Nobody parks what stands on the registry's topic: it is passed over.
        await kafka.send_and_wait("machi.pods.v1", None, key=b"\xff\xfe")
    rows = await set_aside(city, len(groups))
    assert {(row["topic"], row["consumer"]) for row in rows} == set(groups.items())
    assert {row["reason"] for row in rows} == {"event-type-unknown"}
    assert drop(city, rows) == "nothing is parked\n"


async def test_what_was_refused_is_told_after_the_cause_is_mended(city: City) -> None:
    resident = await city.resident()
    number = await file_report(resident)
    card = await city.card(number)
    before = await resident.last()
    machi(city.state, "pods", "uninstall", "notifications")
    try:
        await city.simulator.slack.press(OFFICER_HAKATA, card, "acknowledge")
        [row] = await set_aside(city, 1)
        assert (row["pod"], row["reason"]) == ("notifications", "caller-not-declared")
    finally:
        machi(city.state, "pods", "install", "notifications")
    assert "handled" in machi(city.state, "dlq", "replay", "notifications", str(row["id"]))
    assert number in await resident.hears(before)
    assert machi(city.state, "dlq", "list") == "nothing is parked\n"


def test_an_operators_slip_is_answered_with_the_cure(city: City) -> None:
    for words in (["show", "notifications", "999"], ["replay", "nobody"], ["drop", "reports", "999"]):
        with pytest.raises(AssertionError, match="cure: "):
            machi(city.state, "dlq", *words)
    assert machi(city.state, "dlq", "replay", "reports") == "nothing is parked in reports\n"
