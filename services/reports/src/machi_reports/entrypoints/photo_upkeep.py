"""The clock comes in: photos move to the store, expire, and leave it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from machi_reports.ports import CurrentCatalogues, PhotoWorker
from machi_reports.telemetry import UPKEEP
from machi_reports.use_cases.expire_photos import MOST, expire_photos
from machi_reports.use_cases.move_photo import move_photo
from machi_reports.use_cases.shelf import Shelf
from machi_reports.use_cases.sweep_photos import drop_loose_photos, sweep_photo_objects
from machi_sdk.errors import Unavailable
from machi_sdk.rounds import by_itself
from machi_sdk.telemetry import counter
from machi_sdk.waking import woken

_LOOK_SECONDS = 60.0
_MOVED_AT_ONCE = 20


@dataclass(frozen=True)
class PhotoUpkeep:
    """Safe beside running writers and beside itself on other replicas; what it did not get done it does next time."""

    tenants: Iterable[str]
    shelf: Shelf
    worker: PhotoWorker
    catalogues: CurrentCatalogues
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """There is something to delete."""
        self._awake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._awake.clear()
            for tenant in self.tenants:
                if await by_itself("photo upkeep", tenant, self.round(tenant)):
                    self.wake()
            await woken(self._awake, _LOOK_SECONDS)

    async def round(self, tenant: str) -> bool:
        """What is due for a tenant now; whether there is more. What only marks rows comes first: it needs no store."""
        await self._drop_loose(tenant)
        await self._expire(tenant)
        await self._sweep(tenant)
        return await self._move(tenant)

    async def _sweep(self, tenant: str) -> None:
        while swept := await sweep_photo_objects(tenant, self.shelf):
            counter(UPKEEP).labels("deleted").inc(swept)

    async def _drop_loose(self, tenant: str) -> None:
        while dropped := await drop_loose_photos(tenant, self.shelf):
            counter(UPKEEP).labels("dropped").inc(dropped)

    async def _expire(self, tenant: str) -> None:
        try:
            catalogue = await self.catalogues.refresh(tenant)
        except Unavailable:
            return  # a city without a catalogue has no cases
        found = MOST
        while found == MOST:
            async with self.shelf.begin(tenant) as city:
                found = await expire_photos(catalogue, city, self.shelf.clock.now())
            counter(UPKEEP).labels("expired").inc(found)

    async def _move(self, tenant: str) -> bool:
        """A few at a time: thousands of old photos must not hold up what is to be deleted."""
        for _ in range(_MOVED_AT_ONCE):
            async with self.shelf.begin(tenant) as city:
                old = await city.photos.unmoved()
            if old is None:
                return False
            self.shelf.store.check()
            if await move_photo(tenant, old, self.worker, self.shelf):
                counter(UPKEEP).labels("moved").inc()
        return True
