"""Every pod's view of the installed manifests: the compacted topic machi.pods.v1, read whole and followed."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from machi.pods.v1 import events_pb2
from machi_sdk.envelope import decode
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.kafka_client import kafka_options
from machi_sdk.manifest import Manifest, parse_manifest
from machi_sdk.settings import Settings
from machi_sdk.telemetry import gauge, get_logger

TOPIC = "machi.pods.v1"
_POLL_MS = 1000

log = get_logger()


class InstalledPods:
    """The installed set in memory; `version` grows with every change."""

    def __init__(self) -> None:
        self._pods: dict[str, tuple[str, Manifest]] = {}
        self._changed = asyncio.Condition()
        self.version = 0
        self.read_whole = False

    def require(self) -> None:
        """Unavailable until all of them were read: with some of them, calls and words would go astray."""
        if not self.read_whole:
            raise Unavailable("manifests-not-read")

    def all(self) -> list[Manifest]:
        """Installed manifests by name."""
        return [manifest for _, (_, manifest) in sorted(self._pods.items())]

    def get(self, pod: str) -> Manifest | None:
        """The installed manifest of a pod, or None."""
        found = self._pods.get(pod)
        return found[1] if found else None

    def hash_of(self, pod: str) -> str:
        """The installed manifest's hash; empty when the pod is not installed."""
        found = self._pods.get(pod)
        return found[0] if found else ""

    async def wait_change(self, version: int) -> int:
        """Wait until the set is newer than `version`; returns the new one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.version > version)
            return self.version

    async def put(self, manifest: Manifest) -> None:
        """Take an installed manifest in."""
        if self.hash_of(manifest.name) == manifest.hash:
            return
        self._pods[manifest.name] = (manifest.hash, manifest)
        gauge("machi_installed").labels(manifest.name).set(1)
        await self._announce()

    async def drop(self, pod: str) -> None:
        """Take an uninstalled pod out."""
        if self._pods.pop(pod, None) is not None:
            gauge("machi_installed").labels(pod).set(0)
            await self._announce()

    async def _announce(self) -> None:
        async with self._changed:
            self.version += 1
            self._changed.notify_all()

    async def follow(self, settings: Settings) -> None:
        """Read the topic from its beginning and go on for ever; a lost broker is waited for."""
        while True:
            try:
                await self._read(settings)
            except (KafkaError, OSError) as error:
                log.warning("installed pods paused", error=type(error).__name__)
            await asyncio.sleep(1)

    async def _read(self, settings: Settings) -> None:
        kafka = AIOKafkaConsumer(
            **kafka_options(settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=30_000,
            request_timeout_ms=10_000,
        )
        where = TopicPartition(TOPIC, 0)
        try:
            await kafka.start()
            kafka.assign([where])
            await kafka.seek_to_beginning(where)
            end = (await kafka.end_offsets([where]))[where]
            while True:
                self.read_whole = self.read_whole or await kafka.position(where) >= end
                await self._take_all(await kafka.getmany(where, timeout_ms=_POLL_MS))
        finally:
            await kafka.stop()

    async def _take_all(self, batches: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        for record in (record for records in batches.values() for record in records):
            if record.value is None:
                await self.drop((record.key or b"").decode("utf-8", "replace"))
            else:
                await self._take(record)

    async def _take(self, record: ConsumerRecord) -> None:
        try:
            event = decode(TOPIC, record.key, record.headers, record.value).event
            if isinstance(event, events_pb2.PodInstalled):
                await self.put(parse_manifest(event.pod.manifest_json, known_only=True))
            elif isinstance(event, events_pb2.PodUninstalled):
                await self.drop(event.pod)
        except Invalid as error:
            log.warning("installed pod unreadable", reason=error.slug)
