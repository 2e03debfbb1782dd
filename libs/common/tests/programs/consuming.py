"""A process that consumes until it is ended: TOPIC, GROUP, DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, CRASH_AT.

Each record becomes a note; the words "kill me" end the process in the middle of handling.
"""

import asyncio
import os
import signal
from collections.abc import Sequence

from sqlalchemy import text

from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.handling import Subscription
from machi_sdk.settings import Settings
from machi_sdk.work import Origin, Work, Works

NOTE = text("INSERT INTO notes (tenant, note, author) VALUES (:tenant, :note, :author)")


async def handle(records: Sequence[Received], work: Work) -> None:
    for record in records:
        assert isinstance(record.event, ConsentDecided)
        if record.event.purpose == "kill me":
            os.kill(os.getpid(), signal.SIGKILL)
        note = {"tenant": work.tenant, "note": record.event_id, "author": record.event.citizen_id}
        await work.session.execute(NOTE, note)


async def main() -> None:
    settings = Settings()
    works = Works(Database(settings.database_url), Work, Origin("toy", SystemClock()))
    subscription = Subscription(os.environ["TOPIC"], os.environ["GROUP"], works, handle, batch=4)
    await Consumer(subscription, settings, Faultpoints(settings.crash_at)).run()


asyncio.run(main())
