"""The clock comes in: desks are reminded of what has waited too long."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.reminding import Target
from machi_reports.ports import CurrentCatalogues
from machi_reports.telemetry import REMINDERS
from machi_reports.use_cases.remind_desk import MOST, remind_desk
from machi_reports.use_cases.sum_up_day import sum_up_day
from machi_sdk.clock import Clock
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.telemetry import counter, get_logger
from machi_sdk.work import Works

_LOOK_SECONDS = 60.0

log = get_logger()


@dataclass(frozen=True)
class Reminders:
    """Safe beside itself on other replicas; what it did not get done it does next time."""

    tenants: Iterable[str]
    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    clock: Clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for tenant in self.tenants:
                try:
                    await self.round(tenant)
                except MachiError as error:
                    log.warning("reminders put off", reason=error.slug)
            await asyncio.sleep(_LOOK_SECONDS)

    async def round(self, tenant: str) -> None:
        """What is due for a tenant now; the day's summary comes after the reminders that belong into it."""
        try:
            catalogue = await self.catalogues.refresh(tenant)
        except Unavailable:
            return  # a city without a catalogue has no cases
        for target in Target:
            found = MOST
            while found == MOST:
                async with self.works.begin(tenant) as city:
                    found = await remind_desk(target, catalogue, city, self.clock.now())
                counter(REMINDERS).labels(target.value).inc(found)
        async with self.works.begin(tenant) as city:
            if await sum_up_day(catalogue, city, self.clock.now()):
                counter(REMINDERS).labels("day").inc()
