"""What goes wrong with one municipality, whatever it is, holds up no other one."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
import pytest

from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.photo import LOOSE_FOR
from machi_reports.entrypoints.photo_upkeep import PhotoUpkeep
from machi_reports.entrypoints.rounds import Rounds
from machi_sdk.clock import ManualClock
from machi_sdk.service import Pod
from machi_sdk.testing import wait_until

pytestmark = pytest.mark.integration
BROKEN = "UPDATE catalogues SET document = '{}' WHERE tenant = 'fukuoka'"


@dataclass(frozen=True)
class Noted(Rounds):
    """Rounds that only note whose turn came."""

    what = "test"
    seen: list[str] = field(default_factory=list)

    async def due(self, tenant: str, catalogue: Catalogue) -> None:
        self.seen.append(tenant)


@pytest.fixture
async def broken(seeded: None, connection: "asyncpg.Connection[asyncpg.Record]") -> None:  # noqa: ARG001 (first whole)
    """The first municipality's catalogue cannot be read, which nobody foresaw."""
    await connection.execute(BROKEN)


async def until(reached: Callable[[], bool], run: Callable[[], Awaitable[None]]) -> None:
    """Run it until that is so, or it has ended."""
    running = asyncio.ensure_future(run())
    await wait_until(lambda: reached() or running.done())
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.usefixtures("broken")
async def test_the_next_municipality_has_its_round(pod: Pod, clock: ManualClock) -> None:
    works = pod.works(ReportsWork, CONSTRAINTS)
    rounds = Noted(["fukuoka", "sapporo"], works, MemoryCatalogues(works), clock)
    await until(lambda: bool(rounds.seen), rounds.run)
    assert rounds.seen == ["sapporo"]


@pytest.mark.usefixtures("broken")
async def test_the_next_municipalitys_photos_are_looked_after(
    upkeep: PhotoUpkeep,
    put_photo: Callable[..., Awaitable[str]],
    objects: Callable[[], list[str]],
    clock: ManualClock,
) -> None:
    await put_photo("hana", "e1", tenant="sapporo")
    assert objects()
    clock.advance(2 * LOOSE_FOR)
    await until(lambda: not objects(), upkeep.run)
    assert not objects()
