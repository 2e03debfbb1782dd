"""The topics as they are on Kafka beside what the registry wants, and how far behind their readers are."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from machi_tools.errors import StackError
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import discover
from machi_tools.stack.state import State
from machi_tools.stack.topics import Topic, read_topics

OURS = "machi."
ANY_POD = "*"
PATIENCE_MS = 3000
Offsets = dict[TopicPartition, int]


@dataclass(frozen=True)
class Shape:
    """What a topic is made of; hours below zero mean for ever."""

    partitions: int
    retention_hours: float
    cleanup: str


@dataclass(frozen=True)
class Reader:
    """A pod that reads a topic; without a group it reads the topic whole at its start and is never behind."""

    pod: str
    group: str = ""
    lag: int = 0


@dataclass(frozen=True)
class TopicView:
    """One topic: `wanted` is None when nobody registered it, `found` when Kafka does not have it."""

    name: str
    kind: str
    owner: str
    wanted: Shape | None
    found: Shape | None
    readers: tuple[Reader, ...]

    @property
    def differences(self) -> list[str]:
        """How it is not as wanted, in words."""
        if self.wanted is None or self.found is None:
            return ["is not registered" if self.wanted is None else "is missing"]
        pairs = [
            ("partitions", self.found.partitions, self.wanted.partitions),
            ("hours kept", self.found.retention_hours, self.wanted.retention_hours),
            ("cleanup", self.found.cleanup, self.wanted.cleanup),
        ]
        return [f"{what}: {found} instead of {wanted}" for what, found, wanted in pairs if found != wanted]


async def look_at_topics(layout: Layout, state: State) -> list[TopicView]:
    """Every wanted topic, and those of ours that nobody registered, by name; StackError when Kafka does not answer."""
    wanted = {topic.name: topic for topic in read_topics(layout.root / "protos" / "topics")}
    try:
        async with _connected(state.servers.kafka) as (admin, kafka):
            there = [name for name in await admin.list_topics() if name in wanted or name.startswith(OURS)]
            shapes = await _shapes(admin, there)
            readers = await _readers(layout, state, admin)
            ends = await _ends(kafka, shapes)
    except (KafkaError, OSError, TimeoutError) as error:
        raise StackError(
            f"Kafka at {state.servers.kafka} does not answer ({type(error).__name__})", "machi doctor"
        ) from error
    everyone = [pod.name for pod in state.pods]
    views = []
    for name in sorted({*wanted, *there}):
        behind = _behind(readers, name, ends)
        views.append(
            _view(name, wanted.get(name), shapes.get(name), (*behind, *_whole(wanted.get(name), behind, everyone)))
        )
    return views


@asynccontextmanager
async def _connected(bootstrap: str) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=PATIENCE_MS)
    kafka = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=PATIENCE_MS)
    try:
        await admin.start()
        await kafka.start()
        yield admin, kafka
    finally:
        await kafka.stop()
        await admin.close()


async def _shapes(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Shape]:
    if not names:
        return {}
    described = await admin.describe_topics(list(names))
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings = {
        resource[3]: {entry[0]: str(entry[1]) for entry in resource[4]}
        for answer in await admin.describe_configs(asked)
        for resource in answer.resources
    }
    return {
        topic["topic"]: _shape(len(topic["partitions"]), settings.get(topic["topic"], {}))
        for topic in described
        if topic["error_code"] == 0
    }


def _shape(partitions: int, settings: dict[str, str]) -> Shape:
    kept = int(settings.get("retention.ms", "-1"))
    return Shape(partitions, -1 if kept < 0 else kept / 3_600_000, settings.get("cleanup.policy", ""))


async def _readers(layout: Layout, state: State, admin: AIOKafkaAdminClient) -> list[tuple[str, Reader, Offsets]]:
    """Topic, reader, and how far it is, of every group that a running pod's manifest names."""
    running = {pod.name for pod in state.pods}
    found = []
    for pod in (pod for pod in discover(layout.root) if pod.name in running):
        for entry in pod.manifest.consumes:
            offsets = await _committed(admin, entry.group)
            found.append((entry.topic, Reader(pod.name, entry.group), offsets))
    return found


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Offsets:
    try:
        committed = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}  # a Kafka in which no group has ever been
    return {place: kept.offset for place, kept in committed.items()}


async def _ends(kafka: AIOKafkaConsumer, shapes: dict[str, Shape]) -> dict[TopicPartition, tuple[int, int]]:
    """The first and the next offset of every partition."""
    places = [TopicPartition(name, number) for name, shape in shapes.items() for number in range(shape.partitions)]
    first, following = await kafka.beginning_offsets(places), await kafka.end_offsets(places)
    return {place: (first[place], following[place]) for place in places}


def _behind(
    readers: Iterable[tuple[str, Reader, Offsets]], topic: str, ends: dict[TopicPartition, tuple[int, int]]
) -> list[Reader]:
    """The readers of one topic; a group that never committed begins at the first record."""
    found = []
    for reads, reader, offsets in readers:
        if reads == topic:
            places = {place: span for place, span in ends.items() if place.topic == topic}
            lag = sum(end - max(offsets.get(place, first), first) for place, (first, end) in places.items())
            found.append(Reader(reader.pod, reader.group, lag))
    return found


def _whole(topic: Topic | None, behind: list[Reader], everyone: list[str]) -> list[Reader]:
    """Who reads it without a group; a topic that is open to all and in no manifest is read by the SDK in every pod."""
    if topic is None:
        return []
    known = {reader.pod for reader in behind}
    named = everyone if topic.readers == (ANY_POD,) and not behind else topic.readers
    return [Reader(pod) for pod in named if pod not in known and pod != ANY_POD]


def _view(name: str, topic: Topic | None, found: Shape | None, readers: tuple[Reader, ...]) -> TopicView:
    if topic is None:
        return TopicView(name, "", "", None, found, readers)
    wanted = Shape(topic.partitions, topic.retention_hours, topic.cleanup)
    return TopicView(name, topic.kind, topic.owner, wanted, found, readers)
