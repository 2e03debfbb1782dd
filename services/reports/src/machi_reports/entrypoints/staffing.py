"""What cards offer follows who works at their desk."""

from dataclasses import dataclass

from machi_reports.domain.catalogue import Catalogue
from machi_reports.entrypoints.rounds import Rounds
from machi_reports.ports import Colleagues
from machi_reports.use_cases.renew_desk import MOST, note_staff, renew_desks


@dataclass(frozen=True)
class Staffing(Rounds):
    """Who works where now, then the cards that are due."""

    what = "cards of changed desks"
    colleagues: Colleagues

    async def due(self, tenant: str, catalogue: Catalogue) -> None:
        """See `Rounds`; Unavailable while identity was never heard: nobody is known to have left."""
        await self.colleagues.refresh(tenant)
        async with self.works.begin(tenant) as city:
            for desk in catalogue.desks:
                await note_staff(desk.desk_id, self.colleagues.at_desk(tenant, desk.desk_id), city, self.clock.now())
        renewed = MOST
        while renewed == MOST:
            async with self.works.begin(tenant) as city:
                renewed = await renew_desks(city, self.clock.now())
