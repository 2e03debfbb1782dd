"""Reads the events and writes one effect for each: `python -m benchmarks.tally.reader TOPIC`, until it is ended.

DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, CRASH_AT.
"""

import sys
from collections.abc import Sequence

import uvloop
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from benchmarks.tally import BATCH
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.clock import SystemClock
from machi_sdk.consuming import Consumer
from machi_sdk.database import Database
from machi_sdk.envelope import Received
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.garbage import collect_seldom
from machi_sdk.handling import Subscription
from machi_sdk.settings import read_settings
from machi_sdk.telemetry import start_logging
from machi_sdk.work import Origin, Work, Works

_EFFECTS = "INSERT INTO effects (tenant, number) SELECT $1, unnest($2::bigint[])"


async def take(records: Sequence[Received], work: Work) -> None:
    """One effect for each record."""
    events = [record.event for record in records]
    numbers = [int(event.purpose) for event in events if isinstance(event, ConsentDecided)]
    await work.db.execute(_EFFECTS, work.tenant, numbers)


def main() -> None:
    """Consume TOPIC."""
    settings = read_settings()
    start_logging("tally")
    collect_seldom()
    trace.set_tracer_provider(TracerProvider())  # spans are recorded, as where a collector is named
    works = Works(Database(settings.database_url), Work, Origin("tally", SystemClock()))
    subscription = Subscription(sys.argv[1], "tally.effects", works, take, batch=BATCH)
    uvloop.run(Consumer(subscription, settings, Faultpoints(settings.crash_at)).run())


if __name__ == "__main__":
    main()
