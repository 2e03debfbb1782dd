"""The clock comes in: held messages are looked after."""

import asyncio

from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.use_cases.release_held import release_held
from machi_sdk.rounds import by_itself
from machi_sdk.work import Works


class Morning:
    """Releases what is due, tenant by tenant."""

    def __init__(self, works: Works[NotificationsWork], tenants: frozenset[str], every_seconds: float = 5.0) -> None:
        self._works = works
        self._tenants = tenants
        self._every = every_seconds

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while True:
            for tenant in sorted(self._tenants):
                await by_itself("held messages", tenant, self._release(tenant))
            await asyncio.sleep(self._every)

    async def _release(self, tenant: str) -> None:
        released = 1
        while released:
            async with self._works.begin(tenant) as work:
                released = await release_held(work)
