"""What is remembered about events and their answers: the inbound rows, and wishes for menus."""

from datetime import datetime

from machi_channel_line.adapters.work import LineWork
from machi_sdk.work import Works

_CLAIM = (
    "UPDATE inbound_events SET reply_mark = $3 WHERE tenant = $1 AND event_id = $2 AND reply_mark IN ('', $3)"
    " RETURNING id"
)
_FREE = "UPDATE inbound_events SET reply_mark = '' WHERE tenant = $1 AND event_id = $2 AND reply_mark = $3"
_FIRST_PUSH = (
    "UPDATE inbound_events SET state = 'replying',"
    " reply_mark = CASE WHEN reply_mark LIKE 'push:%' THEN reply_mark ELSE 'push:' || $3 END"
    " WHERE tenant = $1 AND event_id = $2 RETURNING reply_mark"
)


class RowAnswers:
    """Keeps it in the pod's database."""

    def __init__(self, works: Works[LineWork]) -> None:
        self._works = works

    async def claim_token(self, tenant: str, event_id: str, holder: str) -> bool:
        """Reserve the event's reply token for `holder`, durably; False when another holder has it."""
        async with self._works.begin(tenant) as work:
            claimed = await work.db.fetchval(_CLAIM, tenant, event_id, holder)
            if claimed is not None:
                work.hop("replying", event_id=event_id, holder=holder)
        return claimed is not None

    async def free_token(self, tenant: str, event_id: str, holder: str) -> None:
        """Give the token back: `holder` surely did not use it."""
        async with self._works.begin(tenant) as work:
            await work.db.execute(_FREE, tenant, event_id, holder)

    async def first_push(self, tenant: str, event_id: str, now: datetime) -> datetime:
        """Note, durably, that a push is about to be made; returns when the first one was."""
        async with self._works.begin(tenant) as work:
            mark = await work.db.fetchval(_FIRST_PUSH, tenant, event_id, now.isoformat())
            work.hop("pushing", event_id=event_id)
        return datetime.fromisoformat(str(mark).removeprefix("push:")) if mark else now

    async def wish_menu(self, tenant: str, citizen_id: str, language: str, event_id: str) -> None:
        """Let the person's menu be the one of that language."""
        async with self._works.begin(tenant) as work:
            await work.wish_menu(citizen_id, language, event_id)
