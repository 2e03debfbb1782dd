"""Desks are reminded of what has waited too long."""

from dataclasses import dataclass

from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.reminding import Target
from machi_reports.entrypoints.rounds import Rounds
from machi_reports.telemetry import REMINDERS
from machi_reports.use_cases.remind_desk import remind_desk
from machi_reports.use_cases.sum_up_day import sum_up_day
from machi_sdk.telemetry import counter


@dataclass(frozen=True)
class Reminders(Rounds):
    """Reminders, then the day's summary, into which they belong."""

    what = "reminders"

    async def due(self, tenant: str, catalogue: Catalogue) -> None:
        """See `Rounds`."""
        for target in Target:
            more = True
            while more:
                async with self.works.begin(tenant) as city:
                    reminded = await remind_desk(target, catalogue, city, self.clock.now())
                counter(REMINDERS).labels(target.value).inc(reminded.count)
                more = reminded.more
        async with self.works.begin(tenant) as city:
            if await sum_up_day(catalogue, city, self.clock.now()):
                counter(REMINDERS).labels("day").inc()
