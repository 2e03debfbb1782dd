"""What others know about messages to residents comes in: whether they reach a person, and which did not arrive."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi.consent.v1.events_pb2 import ConsentDecided, ReachabilityChanged
from machi.deliveries.v1.events_pb2 import DeliveryConcluded, DeliveryState
from machi_reports.adapters.work import ReportsWork
from machi_reports.entrypoints.dialogues.answer import close_answer
from machi_reports.use_cases.note_undelivered import Undelivered, note_undelivered
from machi_reports.use_cases.renew_cards import renew_cards
from machi_sdk.aliases import take_merges
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid

# Ends of which the city knows that nobody was reached.
_LOST = frozenset(
    {
        DeliveryState.DELIVERY_STATE_FAILED,
        DeliveryState.DELIVERY_STATE_EXPIRED,
        DeliveryState.DELIVERY_STATE_SUPERSEDED,
    }
)
_REFUSED = DeliveryState.DELIVERY_STATE_REFUSED  # consent said no: the card says so


def renewing(purpose: str) -> Callable[[Sequence[Received], ReportsWork], Awaitable[None]]:
    """The handler of machi.consent.v1: cards say whether messages of that purpose reach the reporter."""

    async def take_consents(records: Sequence[Received], work: ReportsWork) -> None:
        for record in records:
            event, now = record.event, work.clock.now()
            if isinstance(event, ReachabilityChanged):
                await renew_cards(event.citizen_id, event.occurred_at.ToDatetime(UTC), work, now)
            elif not isinstance(event, ConsentDecided):
                raise Invalid("event-type-unknown")
            elif event.purpose == purpose:
                await renew_cards(event.citizen_id, event.decided_at.ToDatetime(UTC), work, now)

    return take_consents


async def take_linked(records: Sequence[Received], work: ReportsWork) -> None:
    """The handler of machi.citizens.v1: what is kept moves, and the channel that came may reach the reporter."""
    await take_merges(records, work)
    for record in records:
        event = record.event
        assert isinstance(event, CitizenMerged)
        await renew_cards(event.into_id, event.occurred_at.ToDatetime(UTC), work, work.clock.now())


async def take_outcomes(records: Sequence[Received], work: ReportsWork) -> None:
    """The handler of machi.deliveries.outcomes.v1: the office hears what did not arrive, and nobody answers it."""
    for record in records:
        event = record.event
        if not isinstance(event, DeliveryConcluded):
            raise Invalid("event-type-unknown")
        if event.state in {*_LOST, _REFUSED} and event.thread:
            await close_answer(work, event.thread, event.version)
        if event.state in _LOST and event.thread:
            lost = Undelivered(event.delivery_id, event.thread, event.version, event.reason)
            await note_undelivered(lost, work, work.clock.now())
