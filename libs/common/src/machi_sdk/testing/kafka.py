"""Topics for tests: made from the registry or on the spot, written to and read whole."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from google.protobuf.message import Message

from machi.pods.v1.events_pb2 import PodInstalled, PodUninstalled
from machi.pods.v1.pod_registry_service_pb2 import InstalledPod
from machi_sdk.envelope import Provenance, Received, decode, headers_of, wire_headers
from machi_sdk.errors import Invalid
from machi_sdk.ids import new_id
from machi_sdk.manifest import Manifest

PODS = "machi.pods.v1"
ALREADY_THERE = 36


class KafkaAddress(Protocol):
    """A Kafka cluster one may use."""

    @property
    def bootstrap(self) -> str:
        """The address for KAFKA_BOOTSTRAP_SERVERS."""
        ...


@dataclass(frozen=True)
class Event:
    """What a test puts on a topic, `age` ago; an event id is made up when none is given."""

    key: str
    message: Message
    tenant: str = "fukuoka"
    event_id: str = ""
    age: timedelta = timedelta()


def registered_topics(folder: Path) -> dict[str, tuple[int, str]]:
    """Partitions and cleanup policy per topic, from protos/topics."""
    entries = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
    return {entry["name"]: (int(entry.get("partitions", 3)), entry.get("cleanup", "delete")) for entry in entries}


async def create_topics(bootstrap: str, topics: Mapping[str, tuple[int, str]]) -> None:
    """Create what is missing: topic → (partitions, cleanup policy)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = [
            NewTopic(name, partitions, 1, topic_configs={"cleanup.policy": cleanup})
            for name, (partitions, cleanup) in topics.items()
        ]
        answer = await admin.create_topics(wanted)
        refused = [(name, words) for name, code, words in answer.topic_errors if code not in (0, ALREADY_THERE)]
        if refused:
            raise AssertionError(f"Kafka refuses topics: {refused}")
    finally:
        await admin.close()


async def empty_topics(bootstrap: str, topics: Mapping[str, tuple[int, str]]) -> None:
    """Drop what earlier tests left on these topics, so that a pod that reads from the beginning meets none of it.

    Compacted topics keep their records. Only for a broker that belongs to the tests.
    """
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await reader.start()
    await admin.start()
    try:
        deletable = [name for name, (_, cleanup) in topics.items() if cleanup == "delete"]
        places = [TopicPartition(name, number) for name in deletable for number in range(topics[name][0])]
        ends = await reader.end_offsets(places)
        await admin.delete_records({place: RecordsToDelete(end) for place, end in ends.items() if end})
    finally:
        await admin.close()
        await reader.stop()


async def new_topic(bootstrap: str, partitions: int = 1, about: str = "topic") -> str:
    """A topic nobody else uses; returns its name."""
    name = f"test.{about}.{secrets.token_hex(4)}"
    await create_topics(bootstrap, {name: (partitions, "delete")})
    return name


async def publish(bootstrap: str, topic: str, events: Iterable[Event]) -> list[str]:
    """Write events in order, as a pod would; returns their event ids."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        identifiers = []
        for event in events:
            identifier = event.event_id or new_id()
            at = datetime.now(UTC) - event.age
            headers = headers_of(event.message, Provenance(identifier, "test", event.tenant, at))
            await producer.send_and_wait(
                topic,
                event.message.SerializeToString(),
                key=event.key.encode(),
                headers=wire_headers(headers),
                timestamp_ms=int(at.timestamp() * 1000),
            )
            identifiers.append(identifier)
        return identifiers
    finally:
        await producer.stop()


async def read_all(bootstrap: str, topic: str) -> list[Received]:
    """Every event on a topic now, in order within each partition; what is none is passed over."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()  # noqa: SLF001 (partitions of a topic just made)
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        records = [record for place in places for record in await _whole(consumer, place)]
        return [event for record in records if (event := _received(record)) is not None]
    finally:
        await consumer.stop()


async def announce_pods(bootstrap: str, manifests: Iterable[Manifest]) -> None:
    """Say on machi.pods.v1, as the registry would, that these pods are installed and no others an earlier test had."""
    await create_topics(bootstrap, {PODS: (1, "compact")})
    installed = {
        manifest.name: InstalledPod(
            pod=manifest.name, manifest_hash=manifest.hash, manifest_json=manifest.canonical_json
        )
        for manifest in manifests
    }
    said = [received.event for received in await read_all(bootstrap, PODS)]
    gone = {event.pod.pod for event in said if isinstance(event, PodInstalled)} - installed.keys()
    await publish(bootstrap, PODS, [Event(name, PodUninstalled(pod=name)) for name in sorted(gone)])
    await publish(bootstrap, PODS, [Event(name, PodInstalled(pod=pod)) for name, pod in installed.items()])


async def _whole(consumer: AIOKafkaConsumer, place: TopicPartition) -> list[ConsumerRecord]:
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    end = (await consumer.end_offsets([place]))[place]
    records: list[ConsumerRecord] = []
    while await consumer.position(place) < end:
        for batch in (await consumer.getmany(place, timeout_ms=200)).values():
            records.extend(batch)
    return records


def _received(record: ConsumerRecord) -> Received | None:
    try:
        return decode(record.topic, record.key, record.headers, record.value or b"")
    except Invalid:
        return None
