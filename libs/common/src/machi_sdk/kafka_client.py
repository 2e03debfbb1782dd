"""Connections to Kafka: what producers and consumers have in common, and what aiokafka leaves to its users."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError
from aiokafka.helpers import create_ssl_context

from machi_sdk.settings import Settings
from machi_sdk.telemetry import get_logger

# Longer than a request may take, so that only what would never end is helped along.
_STOP_SECONDS = 18.0
# How long a broker that is lost may take what is still to be sent, and a producer to end without it.
_FLUSH_SECONDS = 3.0

log = get_logger()


def kafka_options(settings: Settings) -> dict[str, object]:
    """Connection arguments common to producers and consumers."""
    options: dict[str, object] = {"bootstrap_servers": settings.kafka_bootstrap_servers}
    protocol = settings.kafka_security_protocol
    if protocol != "PLAINTEXT":
        options["security_protocol"] = protocol
    if "SSL" in protocol:
        options["ssl_context"] = create_ssl_context(cafile=settings.kafka_security_ca_file or None)
    if "SASL" in protocol:
        options["sasl_mechanism"] = settings.kafka_security_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_security_username
        options["sasl_plain_password"] = settings.kafka_security_password.get_secret_value()
    return options


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and disconnect.

    When a broker dies just then, aiokafka's heartbeat may miss that it was cancelled, and the consumer waits for it for
    ever (aiokafka issue 773). To cancel once more is what ends it.
    """
    stopping = asyncio.create_task(consumer.stop())
    try:
        while not (await asyncio.wait({stopping}, timeout=_STOP_SECONDS))[0]:
            log.warning("consumer does not stop, cancelling what it waits for")
            stopping.cancel()
    finally:
        stopping.cancel()
    if not stopping.cancelled():
        stopping.result()


async def flush_and_stop(producer: AIOKafkaProducer) -> None:
    """Disconnect; what a lost broker does not take within seconds is left behind.

    A stop that is given up leaves aiokafka's sender at work, which would connect again and send for ever: it is ended
    too, once nothing that it waits for can come.
    """
    try:
        async with asyncio.timeout(_FLUSH_SECONDS):
            await producer.stop()
    except TimeoutError:
        await producer.client.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await producer._sender.close()  # noqa: SLF001 (aiokafka has no other way to end it)
        await producer.client.close()


_send = AIOKafkaConnection.send


def _sent(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 (as aiokafka has it)
    """As aiokafka sends, but a connection that is closed is an error it knows, and none is left open by who gives up.

    Of a closed connection uvloop tells by RuntimeError, and asyncio not at all. aiokafka expects OSError only: its
    background tasks would end for good, and with them what a producer sends and a consumer gets (aiokafka issue 1038).
    """
    try:
        answer = _send(self, request, expect_response)
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error
    return answer if self._on_close_cb else _or_closed(self, answer)


async def _or_closed(connection: AIOKafkaConnection, answer: Awaitable[Any]) -> Any:  # noqa: ANN401 (as aiokafka has it)
    """The answer on a connection that no client keeps yet, the first one: only who waits here can close it."""
    try:
        return await answer
    except asyncio.CancelledError:
        connection.close()
        raise


AIOKafkaConnection.send = _sent
