"""What aiokafka leaves to its users: connections that broke on uvloop, consumers that would not stop."""

import asyncio
import secrets
from contextlib import suppress

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.coordination import FindCoordinatorRequest

from machi_sdk import kafka_client
from machi_sdk.settings import host_and_port
from machi_sdk.testing import KafkaAddress, new_topic

pytestmark = pytest.mark.integration


def test_on_uvloop_too_a_closed_connection_is_an_error_that_aiokafka_knows(kafka_server: KafkaAddress) -> None:
    async def use_what_is_closed() -> None:
        connection = await create_conn(*host_and_port(kafka_server.bootstrap))
        connection._writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(KafkaConnectionError, match="the handler is closed"):
            connection.send(FindCoordinatorRequest("a-group", 0))
        assert not connection.connected()

    uvloop.run(use_what_is_closed())


async def test_a_consumer_stops_though_its_heartbeat_missed_its_cancellation(
    kafka_server: KafkaAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def beat() -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    topic, group = await new_topic(kafka_server.bootstrap), f"toy.{secrets.token_hex(4)}"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka_server.bootstrap, group_id=group)
    await consumer.start()
    consumer._coordinator._heartbeat_task.cancel()
    consumer._coordinator._heartbeat_task = asyncio.create_task(beat())
    await asyncio.sleep(0)
    monkeypatch.setattr(kafka_client, "_STOP_SECONDS", 2.0)
    async with asyncio.timeout(30):
        await kafka_client.stop(consumer)
    assert consumer._closed
    assert not any(connection.connected() for connection in consumer._client._conns.values())
