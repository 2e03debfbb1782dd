"""What a person sent earlier, found by the platform's id of the message: for taking it back."""

from dataclasses import dataclass

from machi.channel.v1.events_pb2 import InboundEvent
from machi_sdk.work import Work, Works

_FIND = (
    "SELECT event_id, pod, payload FROM inbound_events"
    " WHERE tenant = $1 AND message_id = $2 AND (pod <> '' OR tries > 0) ORDER BY id"
)
_SAID = "SELECT payload FROM inbound_events WHERE tenant = $1 AND message_id = $2 AND payload <> '' ORDER BY id LIMIT 1"
_BLANK = "UPDATE inbound_events SET payload = '', stored = NULL WHERE tenant = $1 AND message_id = $2"


@dataclass(frozen=True)
class Earlier:
    """An earlier message that was begun: its event, the pod that took it (empty if its answer never came), its kind."""

    event_id: str
    pod: str
    kind: str = ""


class EarlierMessages:
    """The inbound rows of this pod by message id."""

    def __init__(self, works: Works[Work]) -> None:
        self._works = works

    async def find(self, tenant: str, message_id: str) -> list[Earlier]:
        """The events of a message (several photos and words may be one message); none when it is not known any more."""
        async with self._works.begin(tenant) as work:
            rows = await work.db.fetch(_FIND, tenant, message_id)
        return [Earlier(row["event_id"], row["pod"], _kind(row["payload"])) for row in rows]

    async def address(self, tenant: str, message_id: str) -> str:
        """Who sent a message; empty when it is not known, or not any more."""
        rows = await self._works.alone(_SAID, tenant, message_id)
        return InboundEvent.FromString(rows[0]["payload"]).address if rows else ""

    async def blank(self, tenant: str, message_id: str) -> None:
        """Forget what the message said."""
        async with self._works.begin(tenant) as work:
            await work.db.execute(_BLANK, tenant, message_id)


def _kind(payload: bytes) -> str:
    return InboundEvent.FromString(payload).WhichOneof("kind") or ""
