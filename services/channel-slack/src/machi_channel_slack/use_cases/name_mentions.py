"""An officer mentioned somebody: residents read names, never ids of a workspace they are not in."""

from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi_channel_slack.domain.address import SlackAddress
from machi_channel_slack.domain.mentions import Mentioned, kind_of, renamed
from machi_channel_slack.ports import Cards, Desks
from machi_sdk.texts import Texts

_STAFF_SECONDS = 2.0


@dataclass(frozen=True)
class Names:
    """Where names are known: identity has the officers' and the desks'; for others there is a word."""

    cards: Cards
    desks: Desks
    texts: Texts

    async def put_into(self, event: InboundEvent, tenant: str, language: str) -> str:
        """The words of a reply, with names; Unavailable while identity is silent."""
        said, team = event.thread_reply, SlackAddress.read(event.address).team
        names = {each: await self._name(each, tenant, team) or self._word(each, language) for each in said.mentions}
        return renamed(said.text, {each: f"{each[0]}{name}" for each, name in names.items()})

    async def _name(self, mention: str, tenant: str, team: str) -> str:
        match kind_of(mention):
            case Mentioned.PERSON:
                address = str(SlackAddress(team, mention[1:]))
                staff = await self.desks.staff(tenant, address, _STAFF_SECONDS)
                return staff.display_name if staff else ""
            case Mentioned.CHANNEL:
                desk_id = await self.cards.desk_in(tenant, mention[1:])
                return (await self.desks.desk(tenant, desk_id)).name if desk_id else ""
        return ""

    def _word(self, mention: str, language: str) -> str:
        return self.texts.say(language, f"mention.{kind_of(mention).value}")
