"""A process that consumes until it is ended: TOPIC, GROUP, DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, CRASH_AT.

Each record becomes a note; the words "kill me" end the process in the middle of handling.
"""

import asyncio
import os
import signal
from collections.abc import Sequence

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.handling import Subscription
from machi_sdk.settings import Settings
from machi_sdk.work import Origin, Work, Works

NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"


async def handle(records: Sequence[Received], work: Work) -> None:
    for record in records:
        assert isinstance(record.event, ConsentDecided)
        if record.event.purpose == "kill me":
            os.kill(os.getpid(), signal.SIGKILL)
        await work.db.execute(NOTE, work.tenant, record.event_id, record.event.citizen_id)


async def main() -> None:
    settings = Settings()
    works = Works(Database(settings.database_url), Work, Origin("toy", SystemClock()))
    subscription = Subscription(os.environ["TOPIC"], os.environ["GROUP"], works, handle, batch=4)
    await Consumer(subscription, settings, Faultpoints(settings.crash_at)).run()


asyncio.run(main())
