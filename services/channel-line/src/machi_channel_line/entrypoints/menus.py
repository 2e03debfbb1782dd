"""The loops that keep rich menus: one waits for a changed set of pods, one looks for people to link."""

import asyncio

from machi_channel_line.ports import Menus
from machi_channel_line.telemetry import count_menu, note_menus
from machi_channel_line.use_cases.keep_menus import KeepMenus, Plan
from machi_sdk.errors import MachiError
from machi_sdk.installed import InstalledPods
from machi_sdk.rounds import by_itself
from machi_sdk.telemetry import get_logger

SETTLE_SECONDS = 1.0
CLEAN_SECONDS = 300.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
LINK_SECONDS = 1.0

log = get_logger()


class MenuLoops:
    """Runs beside the conversations: menus are kept by one replica at a time, people linked by each."""

    def __init__(self, keep: KeepMenus, rows: Menus, installed: InstalledPods, plan: Plan) -> None:
        self._keep = keep
        self._rows = rows
        self._installed = installed
        self._plan = plan
        self._compared: set[str] = set()

    async def follow(self) -> None:
        """Refresh whenever the installed set has changed; failures are tried again, ever more slowly."""
        pause = FIRST_PAUSE
        while True:
            version = self._installed.version
            await asyncio.sleep(SETTLE_SECONDS)
            if not self._installed.read_whole or self._installed.version != version:
                continue
            if await self._refreshed():
                pause = FIRST_PAUSE
                await self._changed(version, CLEAN_SECONDS)
            else:
                await self._changed(version, pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def link(self) -> None:
        """Link people to the menu of their language."""
        while True:
            for tenant in self._keep.lines:
                await by_itself("menu links", tenant, self._keep.link(tenant))
            await asyncio.sleep(LINK_SECONDS)

    async def _refreshed(self) -> bool:
        try:
            async with self._rows.alone() as alone:
                if not alone:
                    return False
                brought = [await self._brought(tenant) for tenant in self._keep.lines]
        except (MachiError, OSError) as error:
            count_menu("put-off")
            reason = error.slug if isinstance(error, MachiError) else type(error).__name__
            log.warning("menus wait", reason=reason)
            brought = [False]
        note_menus(behind=not all(brought))
        if all(brought):
            count_menu("in-step")
        return all(brought)

    async def _brought(self, tenant: str) -> bool:
        """Bring a tenant's menus to the plan; the first time also what somebody changed at LINE.

        What one tenant lacks, such as a token that LINE knows, is no other's trouble.
        """
        brought = await by_itself("menus", tenant, self._bring(tenant))
        if not brought:
            count_menu("put-off")
        return bool(brought)

    async def _bring(self, tenant: str) -> bool:
        if tenant not in self._compared:
            await self._keep.compare(tenant)
            self._compared.add(tenant)
        await self._keep.refresh(tenant, self._plan)
        return True

    async def _changed(self, version: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._installed.wait_change(version)
        except TimeoutError:
            return
