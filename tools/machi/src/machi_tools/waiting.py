"""What waits in a pod's outbox: numbers and topics, never keys or content."""

from dataclasses import dataclass

from machi_tools.rows import Connection

_WAITING = (
    "SELECT topic, count(*) AS waiting, count(DISTINCT key) AS keys,"
    " extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest"
    " FROM outbox GROUP BY topic ORDER BY min(id)"
)


@dataclass(frozen=True)
class WaitingTopic:
    """The events that wait for one topic."""

    topic: str
    waiting: int
    keys: int
    oldest_seconds: float


@dataclass(frozen=True)
class Waiting:
    """Everything that waits in one pod; the topic whose event leaves next comes first."""

    waiting: int
    oldest_seconds: float
    topics: tuple[WaitingTopic, ...]


async def waiting_in(connection: Connection) -> Waiting:
    """Look into one pod's outbox."""
    topics = [WaitingTopic(*row) for row in await connection.fetch(_WAITING)]
    oldest = max((topic.oldest_seconds for topic in topics), default=0.0)
    return Waiting(sum(topic.waiting for topic in topics), oldest, tuple(topics))
