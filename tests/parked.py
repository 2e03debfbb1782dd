"""What is parked in the running stack, and who put it there: records that nobody of ours wrote."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from machi_sdk.envelope import wire_headers
from machi_sdk.parking import ParkedRecord
from machi_tools.operator import running
from machi_tools.places import ask_each
from machi_tools.rows import Rows
from machi_tools.stack.layout import Layout
from tests.architecture.house import ROOT
from tests.city import City


@dataclass(frozen=True)
class Poison:
    """A record that is not what its headers say."""

    headers: Mapping[str, str]
    payload: bytes
    key: bytes | None = None

    async def put(self, kafka: AIOKafkaProducer, topic: str, partition: int = 0) -> None:
        """Write it."""
        headers = wire_headers(self.headers)
        await kafka.send_and_wait(topic, self.payload, key=self.key, headers=headers, partition=partition)


def layout(city: City) -> Layout:
    """Where the running stack keeps its things."""
    return Layout(ROOT, city.state)


@asynccontextmanager
async def writer(city: City) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody who may write to the city's topics and should not."""
    kafka = AIOKafkaProducer(bootstrap_servers=running(layout(city)).servers.kafka)
    await kafka.start()
    try:
        yield kafka
    finally:
        await kafka.stop()


async def parked(city: City) -> list[tuple[str, ParkedRecord]]:
    """What is parked now, with the pod that has it."""
    found = await ask_each(Rows(layout(city)), ParkedRecord, "parked")
    assert not found.silent
    return [(pod, record) for pod, records in found.by_pod.items() for record in records]


async def set_aside(city: City, count: int) -> list[tuple[str, ParkedRecord]]:
    """What is parked, once there is so much."""

    async def look() -> bool:
        return len(await parked(city)) >= count

    await city.until(look, what=f"there were never {count} parked records")
    return await parked(city)


async def drop_all(city: City) -> None:
    """Leave nothing behind: a parked record keeps the doctor from being content."""
    for pod, record in await parked(city):
        await Rows(layout(city)).ask(pod, "drop", str(record.id))
