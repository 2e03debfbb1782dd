"""What the dialogue kit calls around a turn."""

from collections.abc import Awaitable, Callable

from machi_reports.adapters.work import ReportsWork
from machi_reports.ports import CurrentCatalogues
from machi_reports.use_cases.retract_message import retract_message
from machi_sdk.dialogue import TurnContext


def catalogue_first(catalogues: CurrentCatalogues) -> Callable[[TurnContext], Awaitable[None]]:
    """Questions are asked from memory: what they are made of has to be there before a turn."""

    async def prepare(turn: TurnContext) -> None:
        await catalogues.refresh(turn.tenant)

    return prepare


def retracting(then: Callable[[], None]) -> Callable[[ReportsWork, TurnContext, str], Awaitable[None]]:
    """Takes back what came of a message; `then` is called once that is committed."""

    async def retracted(work: ReportsWork, turn: TurnContext, event_id: str) -> None:
        await retract_message(event_id, work, turn.now)
        work.then(then)

    return retracted
