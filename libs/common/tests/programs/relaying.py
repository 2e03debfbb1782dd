"""A process that carries an outbox until it is ended: DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, CRASH_AT."""

import asyncio

from machi_sdk.clock import SystemClock
from machi_sdk.database import Database
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.producer import Producer
from machi_sdk.relay import Relay
from machi_sdk.settings import Settings


async def main() -> None:
    settings = Settings()
    producer = Producer(settings, "toy", SystemClock())
    await Relay(Database(settings.database_url), producer, Faultpoints(settings.crash_at)).run()


asyncio.run(main())
