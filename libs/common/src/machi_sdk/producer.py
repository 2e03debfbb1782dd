"""The way to Kafka: one idempotent producer per pod."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from google.protobuf.message import Message

from machi_sdk.clock import Clock
from machi_sdk.envelope import Provenance, headers_of, wire_headers
from machi_sdk.errors import Invalid, Unavailable
from machi_sdk.kafka_client import flush_and_stop, kafka_options
from machi_sdk.settings import Settings

_LARGEST_REQUEST = 1_048_576
# What a record may hold, so that with key and headers it stays a request.
_LARGEST = 1_000_000
# After one of these the idempotent producer cannot go on: a new one is needed.
_SPENT = (InvalidProducerEpoch, OutOfOrderSequenceNumber, ProducerClosed, ProducerFenced, UnknownProducerId)


@dataclass(frozen=True)
class Record:
    """One record ready for the wire."""

    topic: str
    key: str
    headers: Mapping[str, str]
    payload: bytes


class Parcel:
    """Records of one partition that reach Kafka in order, all or none."""

    def __init__(self, topic: str, partition: int, batch: BatchBuilder) -> None:
        self.topic = topic
        self.partition = partition
        self.batch = batch

    def add(self, record: Record) -> bool:
        """Put one more in; False when no more fits, Invalid when it is too large for any parcel."""
        if len(record.payload) > _LARGEST:
            raise Invalid("record-too-large")
        headers = wire_headers(record.headers)
        added = self.batch.append(timestamp=None, key=record.key.encode(), value=record.payload, headers=headers)
        return added is not None


@lru_cache(maxsize=10_000)
def partition_of(key: str, partitions: tuple[int, ...]) -> int:
    """Where a key's records lie, as for records that are sent one by one."""
    found: int = DefaultPartitioner()(key.encode(), partitions, partitions)
    return found


class Producer:
    """acks=all, idempotent; connects when first used and again after a failure to connect."""

    def __init__(self, settings: Settings, source: str, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._clock = clock
        self._kafka: AIOKafkaProducer | None = None
        self._spent = False
        self._connecting = asyncio.Lock()

    async def connect(self) -> None:
        """Connect; raises Unavailable when no broker answers."""
        async with self._connecting:
            if self._kafka is not None:
                return
            kafka = AIOKafkaProducer(
                **kafka_options(self._settings),
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=10_000,
                metadata_max_age_ms=30_000,
                retry_backoff_ms=100,
                max_batch_size=262_144,
                max_request_size=_LARGEST_REQUEST,
            )
            try:
                await kafka.start()
            except (KafkaError, OSError) as error:
                await kafka.stop()
                raise Unavailable("kafka-unavailable") from error
            except asyncio.CancelledError:
                await kafka.stop()
                raise
            self._kafka = kafka

    @property
    def connected(self) -> bool:
        """Whether the first connection was made."""
        return self._kafka is not None

    async def send(
        self,
        topic: str,
        key: str,
        event: Message,
        provenance: tuple[str, str],
        timeout: float = 1.2,  # noqa: ASYNC109 (its end is Unavailable, not TimeoutError)
    ) -> None:
        """Write one event at once; `provenance` is (event id, tenant). Unavailable when not confirmed in time."""
        headers = headers_of(event, Provenance(provenance[0], self._source, provenance[1], self._clock.now()))
        await self.put(Record(topic, key, headers, event.SerializeToString()), timeout)

    async def put(self, record: Record, timeout: float) -> None:  # noqa: ASYNC109 (its end is Unavailable)
        """Write one record and wait for its confirmation; Unavailable when not confirmed, Invalid when too large."""
        async with self._within(timeout) as kafka:
            headers = wire_headers(record.headers)
            await (await kafka.send(record.topic, record.payload, key=record.key.encode(), headers=headers))

    async def partitions(self, topic: str, timeout: float) -> tuple[int, ...]:  # noqa: ASYNC109 (see `send`)
        """The topic's partitions; Unavailable when no broker says."""
        async with self._within(timeout) as kafka:
            return tuple(sorted(await kafka.partitions_for(topic)))

    def parcel(self, topic: str, partition: int) -> Parcel:
        """An empty parcel; only after `partitions`."""
        assert self._kafka is not None
        return Parcel(topic, partition, self._kafka.create_batch())

    async def post(self, parcel: Parcel, timeout: float) -> None:  # noqa: ASYNC109 (see `send`)
        """Write a parcel and wait for its confirmation; Unavailable when not confirmed, Invalid when too large."""
        async with self._within(timeout) as kafka:
            await (await kafka.send_batch(parcel.batch, parcel.topic, partition=parcel.partition))

    @asynccontextmanager
    async def _within(self, timeout: float) -> AsyncIterator[AIOKafkaProducer]:  # noqa: ASYNC109 (see `send`)
        """The connection, for so long; a producer that is spent is replaced before the next record."""
        try:
            async with asyncio.timeout(timeout):
                yield await self._connected()
        except MessageSizeTooLargeError as error:
            raise Invalid("record-too-large") from error
        except (KafkaError, OSError, TimeoutError) as error:
            self._spent = self._spent or isinstance(error, _SPENT)
            raise Unavailable("kafka-unavailable") from error

    async def _connected(self) -> AIOKafkaProducer:
        if self._spent:
            await self.close()
        if self._kafka is None:
            await self.connect()
        assert self._kafka is not None
        return self._kafka

    async def close(self) -> None:
        """Flush and disconnect; what a lost broker does not take within seconds is left behind."""
        kafka, self._kafka, self._spent = self._kafka, None, False
        if kafka is not None:
            await flush_and_stop(kafka)
