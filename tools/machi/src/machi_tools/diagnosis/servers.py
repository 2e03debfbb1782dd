"""PostgreSQL, Kafka, its topics, and the readers' lag."""

import asyncio
from collections.abc import Mapping
from statistics import median

import asyncpg

from machi_sdk.clock import Clock
from machi_sdk.kafka_client import kafka_options
from machi_sdk.operating import database_ahead
from machi_sdk.settings import Settings
from machi_tools.diagnosis.findings import Look
from machi_tools.diagnosis.machine import clock_look
from machi_tools.embedded.kafka import KafkaServer, cluster_id
from machi_tools.errors import StackError
from machi_tools.rows import Rows
from machi_tools.stack.layout import Layout
from machi_tools.stack.state import State
from machi_tools.stack.topics import read_topics
from machi_tools.topic_view import TopicView, look_at_topics

LARGE_LAG = 1000
Shown = dict[str, object]


async def look_at_postgres(layout: Layout, state: State, clock: Clock) -> tuple[Shown, float | None, Look]:
    """The server as it may be shown, how far its clock is ahead, and what is wrong."""
    shown: Shown = {"address": state.servers.postgres, "own": state.servers.postgres_own, "ready": True}

    async def read(rows: Rows, pod: str) -> float:
        async with rows.connection(pod) as connection:
            return await database_ahead(connection, clock)

    try:
        rows = Rows(layout)
        skews = await asyncio.wait_for(asyncio.gather(*(read(rows, pod) for pod in await rows.pods())), 5)
    except (StackError, TimeoutError, asyncpg.PostgresError) as error:
        reason = str(error) or "no answer within 5 s"
        look = Look()
        own = "it is started again by itself; see its log"
        look.wrong(f"PostgreSQL: {reason}", own if state.servers.postgres_own else "check DATABASE_URL")
        return {**shown, "ready": False, "reason": reason}, None, look
    skew = median(skews)
    return shown, skew, clock_look("the database's", skew)


async def look_at_kafka(layout: Layout, state: State) -> tuple[Shown, Look]:
    """The cluster as it may be shown, and what is wrong."""
    look, address, own = Look(), state.servers.kafka, state.servers.kafka_own
    options: dict[str, object] = {"bootstrap_servers": address}
    found = await cluster_id(options if own else kafka_options(Settings(kafka_bootstrap_servers=address)))
    if found is None:
        cure = "it is started again by itself; see its log" if own else "check KAFKA_BOOTSTRAP_SERVERS"
        look.wrong(f"Kafka at {address} does not answer", cure)
    elif own and found != KafkaServer(layout.data("kafka")).cluster_id():
        look.wrong(f"another Kafka answers at {address}", "make down, end the other one, make up")
    return {"address": address, "own": own, "cluster_id": found, "ready": found is not None}, look


async def look_at_readers(layout: Layout, state: State) -> tuple[Shown, Look]:
    """The topics in numbers, and what is wrong with them or with those who read them."""
    try:
        views = await look_at_topics(layout, state)
    except StackError as error:
        wanted = len(read_topics(layout.root / "protos" / "topics"))
        unseen = Look(notes=[f"topics and their readers were not looked at: {error.what}"])
        return {"wanted": wanted, "missing": [], "differing": [], "lag": {}}, unseen
    return judge_topics(views, "make down, make up")


def judge_topics(views: list[TopicView], missing_cure: str) -> tuple[Shown, Look]:
    """The topics in numbers, and what is wrong with them or with those who read them."""
    registered = [view for view in views if view.wanted is not None]
    lag = {reader.group: reader.lag for view in views for reader in view.readers if reader.group}
    shown: Shown = {
        "wanted": len(registered),
        "missing": [view.name for view in registered if view.found is None],
        "differing": [view.name for view in registered if view.found is not None and view.differences],
        "lag": lag,
    }
    return shown, _topics_look(registered, lag, missing_cure)


def _topics_look(wanted: list[TopicView], lag: Mapping[str, int], missing_cure: str) -> Look:
    look = Look()
    for view in wanted:
        if view.found is None:
            look.wrong(f"topic {view.name} is missing", missing_cure)
        elif view.differences:
            cure = "set it on Kafka as protos/topics says; partitions can only grow"
            look.wrong(f"topic {view.name} differs: {', '.join(view.differences)}", cure)
    for group, behind in lag.items():
        if behind > LARGE_LAG:
            pod = group.partition(".")[0]
            cure = f"see whether {pod} and the pods it calls are ready"
            look.wrong(f"{group} is {behind} records behind", cure)
    return look
