"""The topics as Kafka shows them to one client, and how far behind its groups are; never a record."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError

from machi_sdk.kafka_client import kafka_options
from machi_sdk.settings import Settings

OURS = "machi."
_PATIENCE_MS = 3000
_HOUR_MS = 3_600_000
Offsets = Mapping[TopicPartition, int]
Spans = Mapping[TopicPartition, tuple[int, int]]


@dataclass(frozen=True)
class TopicSeen:
    """One topic, and records behind by group: hours below zero mean for ever, None what this client is not shown."""

    topic: str
    partitions: int
    retention_hours: float | None
    cleanup: str | None
    lag: dict[str, int] = field(default_factory=dict)


async def topics_seen(
    settings: Settings, groups: Collection[tuple[str, str]], named: Collection[str]
) -> list[TopicSeen]:
    """Those named, read by one of `groups` (topic and group), or of ours; KafkaError or OSError when none answers."""
    wanted = {*named, *(topic for topic, _ in groups)}
    async with _connected(settings) as (admin, kafka):
        there = [name for name in await admin.list_topics() if name in wanted or name.startswith(OURS)]
        shapes = await _shapes(admin, there)
        ends = await _ends(kafka, shapes)
        committed = [(topic, group, await _committed(admin, group)) for topic, group in groups]
    return [
        TopicSeen(
            name, *shape, {group: _behind(name, offsets, ends) for topic, group, offsets in committed if topic == name}
        )
        for name, shape in sorted(shapes.items())
    ]


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    options = kafka_options(settings)
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=_PATIENCE_MS)
    kafka = AIOKafkaConsumer(**options, request_timeout_ms=_PATIENCE_MS)
    try:
        await admin.start()
        await kafka.start()
        yield admin, kafka
    finally:
        await kafka.stop()
        await admin.close()


async def _shapes(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, tuple[int, float | None, str | None]]:
    if not names:
        return {}
    described = await admin.describe_topics(list(names))
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings = {
        resource[3]: {entry[0]: str(entry[1]) for entry in resource[4]}
        for answer in await admin.describe_configs(asked)
        for resource in answer.resources
        if resource[0] == 0
    }
    return {
        topic["topic"]: (len(topic["partitions"]), *_kept(settings.get(topic["topic"])))
        for topic in described
        if topic["error_code"] == 0
    }


def _kept(settings: Mapping[str, str] | None) -> tuple[float | None, str | None]:
    if settings is None:
        return None, None
    kept = int(settings.get("retention.ms", "-1"))
    return -1 if kept < 0 else kept / _HOUR_MS, settings.get("cleanup.policy", "")


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Offsets:
    try:
        committed = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}  # a Kafka in which no group has ever been
    return {place: kept.offset for place, kept in committed.items()}


async def _ends(kafka: AIOKafkaConsumer, shapes: Mapping[str, tuple[int, object, object]]) -> Spans:
    """The first and the next offset of every partition."""
    places = [TopicPartition(name, number) for name, (count, _, _) in shapes.items() for number in range(count)]
    first, following = await kafka.beginning_offsets(places), await kafka.end_offsets(places)
    return {place: (first[place], following[place]) for place in places}


def _behind(topic: str, offsets: Offsets, ends: Spans) -> int:
    """Records that the group did not commit; one that never committed begins at the first record."""
    spans: Iterable[tuple[TopicPartition, tuple[int, int]]] = (
        (place, span) for place, span in ends.items() if place.topic == topic
    )
    return sum(end - max(offsets.get(place, first), first) for place, (first, end) in spans)
