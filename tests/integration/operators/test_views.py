"""What operators look at: outboxes, topics, tenants, over the running city."""

import json
import signal
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from machi_tools.operator import running
from tests.city import City, machi
from tests.parked import layout

pytestmark = [pytest.mark.integration, pytest.mark.stack]
HOUR = 3_600_000


def outbox(city: City, pod: str) -> dict[str, object]:
    rows = json.loads(machi(city.state, "outbox", "--json"))
    return next(row for row in rows if row["pod"] == pod)


async def changed(city: City, topic: str, **settings: str) -> None:
    """Set a topic's settings on Kafka."""
    admin = AIOKafkaAdminClient(bootstrap_servers=running(layout(city)).servers.kafka)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))])
    await admin.close()


async def test_the_outbox_shows_what_waits_while_kafka_is_frozen(city: City) -> None:
    city.signal("kafka", signal.SIGSTOP)
    try:
        machi(city.state, "pods", "install", "reports")  # published again, though nothing changed
        waits = outbox(city, "identity")
        shown = machi(city.state, "outbox")
    finally:
        city.signal("kafka", signal.SIGCONT)
    [topic] = json.loads(json.dumps(waits["topics"]))
    assert (waits["waiting"], topic["topic"], topic["waiting"], topic["keys"]) == (1, "machi.pods.v1", 1, 1)
    assert topic["oldest_seconds"] == waits["oldest_seconds"]
    assert 0 < topic["oldest_seconds"] < 60
    assert "machi.pods.v1 ×1" in next(row for row in shown.splitlines() if "identity" in row)

    async def left() -> bool:
        return outbox(city, "identity")["waiting"] == 0

    await city.until(left, what="the outbox did not drain")


async def test_topics_are_as_wanted_and_their_readers_are_named(city: City) -> None:
    found = {row["topic"]: row for row in json.loads(machi(city.state, "topics", "--json"))}
    facts = found["machi.reports.v1"]
    assert (facts["class"], facts["owner"], facts["wanted"], facts["differences"]) == (
        "facts",
        "reports",
        facts["found"],
        [],
    )
    assert facts["wanted"] == {"partitions": 6, "retention_hours": -1, "cleanup": "delete"}
    assert facts["consumers"] == [{"pod": "notifications", "group": "notifications.facts", "lag": 0}]
    assert {reader["pod"] for reader in found["machi.pods.v1"]["consumers"]} == set(city.http())
    shown = machi(city.state, "topics").splitlines()
    assert next(row for row in shown if "machi.line.inbound.v1" in row).split()[1:6] == [
        "personal",
        "channel-line",
        "6",
        "72",
        "h",
    ]


async def test_a_topic_that_somebody_changed_is_told_by_topics_and_doctor(city: City) -> None:
    inbound = {"cleanup.policy": "delete", "retention.ms": str(72 * HOUR)}
    await changed(city, "machi.line.inbound.v1", **{**inbound, "retention.ms": str(HOUR)})
    try:
        shown = machi(city.state, "topics", check=False)
        report = city.doctor()
    finally:
        await changed(city, "machi.line.inbound.v1", **inbound)
    assert "✗ hours kept: 1.0 instead of 72" in next(row for row in shown.splitlines() if "line.inbound" in row)
    told = [str(finding["what"]) for finding in json.loads(json.dumps(report["findings"]))]
    assert told == ["topic machi.line.inbound.v1 differs: hours kept: 1.0 instead of 72"]
    assert machi(city.state, "topics")


async def test_a_topic_that_nobody_registered_is_told(city: City) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=running(layout(city)).servers.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("machi.stray.v1", 1, 1)])
    try:
        shown = machi(city.state, "topics", check=False)
    finally:
        await admin.delete_topics(["machi.stray.v1"])
        await admin.close()
    assert "is not registered" in next(row for row in shown.splitlines() if "machi.stray.v1" in row)


async def test_tenants_are_listed(city: City) -> None:
    [tenant] = json.loads(machi(city.state, "tenants", "--json"))
    assert (tenant["tenant"], tenant["default_language"], tenant["time_zone"]) == ("fukuoka", "ja", "Asia/Tokyo")
    assert tenant["desks"] >= 5
    assert tenant["staff"] >= 5
    assert tenant["names"]["en"] == "Fukuoka City (demo)"
    assert "福岡市（デモ）" in machi(city.state, "tenants")


@pytest.mark.parametrize("verb", ["outbox", "topics", "tenants"])
def test_without_a_stack_the_cure_is_told(tmp_path: Path, verb: str) -> None:
    with pytest.raises(AssertionError, match="cure: make up"):
        machi(tmp_path, verb)
