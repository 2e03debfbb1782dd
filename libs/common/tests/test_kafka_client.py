"""What aiokafka leaves to its users: connections that broke or stay open, clients that would not stop."""

import asyncio
import os
import secrets
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.metadata import MetadataRequest

from machi_sdk import kafka_client
from machi_sdk.settings import host_and_port
from machi_sdk.testing import KafkaAddress, new_topic
from machi_tools.embedded.kafka import KafkaServer

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


async def test_who_gives_up_connecting_leaves_no_connection_open(
    kafka_server: KafkaAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: asyncio.Future[AIOKafkaConnection] = asyncio.Future()
    send = AIOKafkaConnection.send

    def told(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401, FBT002 (as aiokafka has it)
        answer = send(connection, request, expect_response)
        if isinstance(request, MetadataRequest) and not first.done():
            first.set_result(connection)
        return answer

    monkeypatch.setattr(AIOKafkaConnection, "send", told)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap)
    starting = asyncio.create_task(producer.start())
    connection = await first
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await producer.stop()
    assert not connection.connected()


async def test_a_producer_ends_though_its_broker_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = asyncio.all_tasks()
    broker = await asyncio.to_thread(KafkaServer(tmp_path / "kafka").start)
    assert broker.pid
    try:
        topic = await new_topic(broker.bootstrap)
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
        await producer.start()
        await producer.send_and_wait(topic, b"before")
        os.kill(broker.pid, signal.SIGSTOP)
        unconfirmed = await producer.send(topic, b"never confirmed")
        monkeypatch.setattr(kafka_client, "_FLUSH_SECONDS", 1.0)
        async with asyncio.timeout(5):
            await kafka_client.flush_and_stop(producer)
        assert not any(connection.connected() for connection in producer.client._conns.values())
        assert not {task for task in asyncio.all_tasks() - before if "ender" in repr(task.get_coro())}
        unconfirmed.cancel()
    finally:
        os.kill(broker.pid, signal.SIGCONT)
        await asyncio.to_thread(broker.destroy)
