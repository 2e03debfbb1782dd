"""The pod's unit of work."""

from machi_sdk.aliases import move_of
from machi_sdk.deliveries import DELIVERY_MOVES
from machi_sdk.work import Work

_WISH = (
    "INSERT INTO menu_links (tenant, citizen_id, language, event_id, menu_id, tries, due_at)"
    " VALUES ($1::text, present_id($1, $2), $3, $4, '', 0, now()) ON CONFLICT (tenant, citizen_id) DO UPDATE"
    " SET language = $3, event_id = $4, menu_id = '', tries = 0, due_at = now(), waits = false"
)
# Who had LINE, gave it away, and gets it back: the older wish gives way.
_GIVE_WAY = (
    "DELETE FROM menu_links WHERE tenant = $1 AND citizen_id = $3"
    " AND EXISTS (SELECT FROM menu_links AS newer WHERE newer.tenant = $1 AND newer.citizen_id = $2)"
)


class LineWork(Work):
    """A transaction that knows wishes for rich menus."""

    moves = (*DELIVERY_MOVES, _GIVE_WAY, move_of("menu_links"))

    async def wish_menu(self, citizen_id: str, language: str, event_id: str) -> None:
        """Let the person's menu be the one of that language."""
        await self.db.execute(_WISH, self.tenant, citizen_id, language, event_id)
