"""The clock comes in: what cards offer follows who works at their desk."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from machi_reports.adapters.work import ReportsWork
from machi_reports.ports import Colleagues, CurrentCatalogues
from machi_reports.use_cases.renew_desk import MOST, note_staff, renew_desks
from machi_sdk.clock import Clock
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.telemetry import get_logger
from machi_sdk.work import Works

_LOOK_SECONDS = 60.0

log = get_logger()


@dataclass(frozen=True)
class Staffing:
    """Safe beside itself on other replicas; what it did not get done it does next time."""

    tenants: Iterable[str]
    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    colleagues: Colleagues
    clock: Clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for tenant in self.tenants:
                try:
                    await self.round(tenant)
                except MachiError as error:
                    log.warning("cards of changed desks put off", reason=error.slug)
            await asyncio.sleep(_LOOK_SECONDS)

    async def round(self, tenant: str) -> None:
        """Who works where now, then the cards that are due."""
        try:
            catalogue = await self.catalogues.refresh(tenant)
        except Unavailable:
            return  # a city without a catalogue has no cases
        await self.colleagues.refresh(tenant)
        async with self.works.begin(tenant) as city:
            for desk in catalogue.desks:
                await note_staff(desk.desk_id, self.colleagues.at_desk(tenant, desk.desk_id), city, self.clock.now())
        renewed = MOST
        while renewed == MOST:
            async with self.works.begin(tenant) as city:
                renewed = await renew_desks(city, self.clock.now())
