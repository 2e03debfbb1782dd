"""Does one thing with a photo in a process of its own, which CRASH_AT lets die: keep, or all upkeep of a tenant.

Arguments: database URL, store URL, what, the present moment; for `keep` also citizen and event. The photo comes on
standard input.
"""

import asyncio
import os
import sys
from datetime import datetime

from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.photo_store import ObstorePhotos
from machi_reports.adapters.photo_worker import ProcessPhotoWorker
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.domain.photo import CleanPhoto
from machi_reports.entrypoints.photo_upkeep import PhotoUpkeep
from machi_reports.use_cases.keep_photo import Arrival, keep_photo
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.clock import ManualClock
from machi_sdk.database import Database
from machi_sdk.faultpoints import Faultpoints
from machi_sdk.work import Origin, Works

TENANT = "fukuoka"


async def main(database_url: str, store_url: str, what: str, now: str, *rest: str) -> None:
    """Do it."""
    database, clock = Database(database_url), ManualClock(datetime.fromisoformat(now))
    works = Works(database, ReportsWork, Origin("reports", clock), CONSTRAINTS)
    faultpoints = Faultpoints(os.environ.get("CRASH_AT", ""))
    shelf = Shelf(works.begin, ObstorePhotos(store_url), clock, faultpoints.reach)
    if what == "keep":
        photo = sys.stdin.buffer.read()
        await keep_photo(Arrival(TENANT, *rest), CleanPhoto(photo, b"small " + photo), shelf)
    else:
        await PhotoUpkeep([TENANT], shelf, ProcessPhotoWorker(), MemoryCatalogues(works)).round(TENANT)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
