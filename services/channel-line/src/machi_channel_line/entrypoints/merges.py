"""Two citizens turned out to be one: what is kept of them moves, and their menu speaks the language that counts."""

from dataclasses import dataclass

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi_channel_line.adapters.work import LineWork
from machi_sdk.aliases import take_merges
from machi_sdk.conversation import People
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid


@dataclass(frozen=True)
class Merges:
    """Asks for the language before the transaction, moves inside it."""

    people: People

    async def prepare(self, record: Received) -> str:
        """The language the one person chose last."""
        if not isinstance(record.event, CitizenMerged):
            raise Invalid("event-type-unknown")
        return (await self.people.contact(record.tenant, record.event.into_id)).language

    async def handle(self, record: Received, language: str, work: LineWork) -> None:
        """Move, then wish for the menu."""
        await take_merges([record], work)
        assert isinstance(record.event, CitizenMerged)
        await work.wish_menu(record.event.into_id, language, record.event_id)
