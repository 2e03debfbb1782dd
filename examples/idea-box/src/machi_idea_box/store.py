"""The pod's unit of work, with what it keeps."""

from machi_sdk.aliases import move_of
from machi_sdk.work import Work

_KEEP = (
    "INSERT INTO ideas (tenant, idea_id, citizen_id, words, sent_at) VALUES ($1::text, $2, present_id($1, $3), $4, $5)"
)
_DROP = "DELETE FROM ideas WHERE tenant = $1 AND idea_id = $2 AND citizen_id = $3"


class IdeaBoxWork(Work):
    """A transaction with its ideas."""

    moves = (move_of("ideas"),)

    async def keep(self, idea_id: str, citizen_id: str, words: str) -> None:
        """Keep an idea under the id its author goes by now."""
        await self.db.execute(_KEEP, self.tenant, idea_id, citizen_id, words, self.clock.now())

    async def drop(self, idea_id: str, citizen_id: str) -> None:
        """Forget an idea that its author takes back."""
        await self.db.execute(_DROP, self.tenant, idea_id, citizen_id)
