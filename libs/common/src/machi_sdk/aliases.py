"""A citizen goes by another id since two channels were linked: what a pod keeps moves, the former id is an alias."""

from collections.abc import Sequence

from machi.citizens.v1.events_pb2 import CitizenMerged
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid
from machi_sdk.telemetry import counter
from machi_sdk.work import Work

# One merge at a time per tenant: chains of aliases are never seen half made.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('aliases of ' || $1::text, 2))"
# Waits for whoever is writing under the id, and lets nobody begin: the other side of the function present_id.
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1::text || '/' || $2::text, 2))"
_PRESENT = "SELECT coalesce((SELECT citizen_id FROM aliases WHERE tenant = $1 AND former_id = $2), $2::text)"
_REMEMBER = (
    "INSERT INTO aliases (tenant, former_id, citizen_id) VALUES ($1, $2, $3)"
    " ON CONFLICT (tenant, former_id) DO UPDATE SET citizen_id = $3"
)
_KNOWN = "SELECT former_id FROM aliases WHERE tenant = $1 AND former_id = ANY($2::text[])"


def move_of(table: str) -> str:
    """The move of a table whose rows name their citizen in `citizen_id`, at any number per citizen."""
    return f"UPDATE {table} SET citizen_id = $3 WHERE tenant = $1 AND citizen_id = $2"


_FLATTEN = "UPDATE aliases SET citizen_id = $3, known_at = now() WHERE tenant = $1 AND citizen_id = $2"
_OWN_MOVES = (_FLATTEN, move_of("dialogue_sessions"))


async def take_merges(records: Sequence[Received], work: Work) -> None:
    """The handler of machi.citizens.v1: in whatever order the merges are heard of, and however often."""
    for record in records:
        if not isinstance(record.event, CitizenMerged):
            raise Invalid("event-type-unknown")
        await rekey(work, record.event.from_id, record.event.into_id)
        _count(work, "event")


async def learn(work: Work, citizen_id: str, former_ids: Sequence[str]) -> None:
    """Move what a person has here under former ids, where the merge itself was not heard of yet."""
    if not former_ids:
        return
    known = {row["former_id"] for row in await work.db.fetch(_KNOWN, work.tenant, list(former_ids))}
    for former_id in (each for each in former_ids if each not in known):
        await rekey(work, former_id, citizen_id)
        _count(work, "turn")


async def rekey(work: Work, from_id: str, into_id: str) -> None:
    """Let everything the pod keeps under `from_id` belong to `into_id`, or to whom that one was merged into."""
    await stand_alone(work)
    present: str = await work.db.fetchval(_PRESENT, work.tenant, into_id)
    if present == from_id:
        raise Invalid("merged-in-a-circle")
    await work.db.execute(_HOLD, work.tenant, from_id)
    for statement in (_REMEMBER, *_OWN_MOVES, *work.moves):
        await work.db.execute(statement, work.tenant, from_id, present)
    work.hop("citizen-rekeyed", citizen_id=present)


async def stand_alone(work: Work) -> None:
    """Let no other merge of this tenant run until the transaction ends."""
    await work.db.execute(_ALONE, work.tenant)


def _count(work: Work, heard_by: str) -> None:
    work.then(counter("machi_rekeyed_total").labels(heard_by).inc)
