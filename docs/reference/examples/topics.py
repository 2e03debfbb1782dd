"""Read the first record of a topic, whatever its type."""

from aiokafka import AIOKafkaConsumer

from machi_sdk.envelope import Received, decode


async def first_event(bootstrap: str, topic: str) -> Received:
    """The record, decoded by its headers."""
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as kafka:
        record = await kafka.getone()
    return decode(topic, record.key, record.headers, record.value)
