"""What stands now, read by one statement alone; questions that come while one is on its way share the next."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from machi_identity.adapters.consents import STANDINGS, standing_in
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import MOST_AT_ONCE, Standing
from machi_sdk.errors import Unavailable
from machi_sdk.work import Works

_SECONDS = 2.0  # one connection that hangs must not hold everybody's questions for long

_Answers: TypeAlias = asyncio.Task[list[Standing | None]]


class PgStandingsNow:
    """`ports.StandingsNow`, never by a statement that began before the question came."""

    def __init__(self, works: Works[IdentityWork]) -> None:
        self._works = works
        self._open: dict[tuple[str, str], tuple[list[str], _Answers]] = {}
        self._last: dict[tuple[str, str], _Answers] = {}

    async def of_many(self, tenant: str, citizen_ids: Sequence[str], purpose: str) -> list[Standing | None]:
        """See the port."""
        rows = await self._works.alone(STANDINGS, tenant, citizen_ids, purpose)
        return [standing_in(row) if row["known"] else None for row in rows]

    async def of_one(self, tenant: str, citizen_id: str, purpose: str) -> Standing | None:
        """See the port."""
        about = tenant, purpose
        citizen_ids, answers = self._open.get(about) or self._begin(about)
        place = len(citizen_ids)
        citizen_ids.append(citizen_id)
        if len(citizen_ids) == MOST_AT_ONCE:
            del self._open[about]
        return (await asyncio.shield(answers))[place]  # whoever asked may go, the others stay

    def _begin(self, about: tuple[str, str]) -> tuple[list[str], _Answers]:
        """A statement after the one that is on its way, for all who ask until then."""
        citizen_ids: list[str] = []
        answers = asyncio.create_task(self._ask(about, citizen_ids, self._last.get(about)))
        answers.add_done_callback(partial(self._ended, about))
        self._open[about], self._last[about] = (citizen_ids, answers), answers
        return citizen_ids, answers

    async def _ask(
        self, about: tuple[str, str], citizen_ids: list[str], before: _Answers | None
    ) -> list[Standing | None]:
        if before is not None:
            await asyncio.wait({before})
        if len(citizen_ids) < MOST_AT_ONCE:
            del self._open[about]  # from here on a question is too late for this statement
        tenant, purpose = about
        try:
            async with asyncio.timeout(_SECONDS):
                return await self.of_many(tenant, citizen_ids, purpose)
        except TimeoutError as error:
            raise Unavailable("database-slow") from error

    def _ended(self, about: tuple[str, str], answers: _Answers) -> None:
        if self._last[about] is answers:
            del self._last[about]
