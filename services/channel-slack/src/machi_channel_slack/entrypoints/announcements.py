"""Announced cards and summaries come in."""

from collections.abc import Callable, Sequence

from machi.desk.v1.events_pb2 import CardAnnounced, DeskSummedUp
from machi_channel_slack.domain.cards import Announced, CardKey
from machi_channel_slack.domain.digests import Summary
from machi_channel_slack.ports import Announce, ListOld
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.work import Work


class Announcements:
    """Notes the newest version and wakes the poster; an older one never replaces a newer."""

    def __init__(
        self, announce: Announce, list_old: ListOld, wake: Callable[[], None], tenants: frozenset[str]
    ) -> None:
        self._announce = announce
        self._list_old = list_old
        self._wake = wake
        self._tenants = tenants

    async def take(self, records: Sequence[Received], work: Work) -> None:
        """The consumer's handler; desks of a tenant without Slack have no channel to show it in."""
        for record in records:
            event = record.event
            if not isinstance(event, CardAnnounced | DeskSummedUp):
                raise Invalid("event-type-unknown")
            if record.tenant in self._tenants:
                await self._note(event, record, work)
        work.then(self._wake)

    async def _note(self, event: CardAnnounced | DeskSummedUp, record: Received, work: Work) -> None:
        if isinstance(event, DeskSummedUp):
            await self._list_old(work, Summary(event.desk_id, event.pod, event.day, event.card_ids, event.more))
            return
        key = CardKey(record.tenant, event.card_id, event.desk_id)
        await self._announce(work, key, Announced(event.pod, event.version, event.urgent, event.quiet), record.trace)
