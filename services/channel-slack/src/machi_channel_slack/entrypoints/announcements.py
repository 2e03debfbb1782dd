"""Announced cards come in."""

from collections.abc import Callable, Sequence

from machi.desk.v1.events_pb2 import CardAnnounced
from machi_channel_slack.domain.cards import Announced, CardKey
from machi_channel_slack.ports import Announce
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.work import Work


class Announcements:
    """Notes the newest version and wakes the poster; an older one never replaces a newer."""

    def __init__(self, announce: Announce, wake: Callable[[], None], tenants: frozenset[str]) -> None:
        self._announce = announce
        self._wake = wake
        self._tenants = tenants

    async def take(self, records: Sequence[Received], work: Work) -> None:
        """The consumer's handler; desks of a tenant without Slack have no channel to show it in."""
        for record in records:
            event = record.event
            if not isinstance(event, CardAnnounced):
                raise Invalid("event-type-unknown")
            if record.tenant in self._tenants:
                key = CardKey(record.tenant, event.card_id, event.desk_id)
                news = Announced(event.pod, event.version, event.urgent)
                await self._announce(work, key, news, record.trace)
        work.then(self._wake)
