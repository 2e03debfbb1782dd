"""The inbox: which events a consumer has handled, and how often it began a batch."""

from collections.abc import Sequence

from machi_sdk.envelope import Received
from machi_sdk.forgetting import forget
from machi_sdk.parking import Place, RawRecord
from machi_sdk.sql import array, literal
from machi_sdk.work import Work, Works

# Rows that this transaction has put in: it holds no savepoints, so all of them carry its own id.
_ADMITTED = (
    "SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY($2::text[]) AND xmin = pg_current_xact_id()::xid"
)
_KNOWN = "SELECT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2)"
# A batch that went well and comes again, as all of a poll do after a crash in a later one, leaves that one's count.
_COUNT = """
WITH before AS (
    SELECT tries FROM attempts WHERE consumer = $1 AND topic = $2 AND partition = $3 AND first_offset = $4
), counted AS (
    INSERT INTO attempts (consumer, topic, partition, first_offset, tries) VALUES ($1, $2, $3, $4, 1)
    ON CONFLICT (consumer, topic, partition) DO UPDATE SET first_offset = $4,
    tries = CASE WHEN attempts.first_offset = $4 THEN attempts.tries + 1 ELSE 1 END
    WHERE (attempts.first_offset <= $4 OR EXISTS (
        SELECT FROM unnest($5::text[]) AS event (id)
        WHERE NOT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = event.id)
    )) AND (attempts.first_offset <> $4 OR attempts.tries < $6)
    RETURNING tries
)
SELECT coalesce((SELECT tries FROM counted), (SELECT tries + 1 FROM before), 1)
"""


class Inbox:
    """One consumer's memory, in the pod's database."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer

    async def admit(self, work: Work, records: Sequence[Received]) -> list[Received]:
        """Enter the records in this transaction and return those never seen before, in order."""
        ids = [record.event_id for record in records]
        consumer, wanted = literal(self._consumer), array(ids)
        said = await work.db.execute(
            f"INSERT INTO inbox (consumer, event_id) SELECT {consumer}, unnest({wanted}::text[]) ON CONFLICT DO NOTHING"
        )
        if said == f"INSERT 0 {len(ids)}":
            return list(records)
        new = {row["event_id"] for row in await work.db.fetch(_ADMITTED, self._consumer, ids)}
        fresh = []
        for record in records:
            if record.event_id in new:
                new.discard(record.event_id)
                fresh.append(record)
        return fresh

    async def knows(self, work: Work, event_id: str) -> bool:
        """Whether the event was handled before."""
        known: bool = await work.db.fetchval(_KNOWN, self._consumer, event_id)
        return known

    async def count_try(self, work: Work, records: Sequence[RawRecord], most: int) -> int:
        """Count one more beginning of a batch of one partition; returns the number so far.

        A number above `most` is what it would be: it was not counted.
        """
        ids = [record.event_id for record in records]
        tries: int = await work.db.fetchval(_COUNT, self._consumer, *records[0].place, ids, most)
        return tries

    def set_tries(self, work: Work, place: Place, tries: int) -> None:
        """Set the tries of the batch at this place: 1 ahead of it, fewer after an outage that was not its fault."""
        topic, partition, first = place
        work.lastly(
            "INSERT INTO attempts (consumer, topic, partition, first_offset, tries)"
            f" VALUES ({literal(self._consumer)}, {literal(topic)}, {partition:d}, {first:d}, {tries:d})"
            " ON CONFLICT (consumer, topic, partition)"
            " DO UPDATE SET first_offset = excluded.first_offset, tries = excluded.tries"
        )

    async def forget(self, works: Works[Work], days: int) -> None:
        """Drop what is older than any redelivery."""
        old = "consumer = $1 AND seen_at < now() - make_interval(days => $2)"
        await forget(works, "", "inbox", old, self._consumer, days)
