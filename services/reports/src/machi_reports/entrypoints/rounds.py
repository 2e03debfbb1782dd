"""The clock comes in: each minute, for each municipality that has a catalogue."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.catalogue import Catalogue
from machi_reports.ports import CurrentCatalogues
from machi_sdk.clock import Clock
from machi_sdk.errors import Unavailable
from machi_sdk.rounds import by_itself
from machi_sdk.work import Works

_LOOK_SECONDS = 60.0


@dataclass(frozen=True)
class Rounds(ABC):
    """Safe beside itself on other replicas; what a round did not get done the next one does."""

    what: ClassVar[str]
    tenants: Iterable[str]
    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    clock: Clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for tenant in self.tenants:
                await by_itself(self.what, tenant, self.round(tenant))
            await asyncio.sleep(_LOOK_SECONDS)

    async def round(self, tenant: str) -> None:
        """What is due for a tenant now."""
        try:
            catalogue = await self.catalogues.refresh(tenant)
        except Unavailable:
            return  # a city without a catalogue has no cases
        await self.due(tenant, catalogue)

    @abstractmethod
    async def due(self, tenant: str, catalogue: Catalogue) -> None:
        """Do what is due."""
