"""The test kit: real databases, real rpc with real tokens, real topics, whole pods, in a test's own process."""

from machi_sdk.testing.databases import PodDatabase, PostgresAddress, database_for
from machi_sdk.testing.kafka import (
    Event,
    KafkaAddress,
    announce_pods,
    create_topics,
    empty_topics,
    new_topic,
    publish,
    read_all,
    registered_topics,
)
from machi_sdk.testing.plans import rows_read
from machi_sdk.testing.pods import running_pod
from machi_sdk.testing.proxy import noting_proxy
from machi_sdk.testing.release import LocalRelease
from machi_sdk.testing.tokens import LocalIssuer
from machi_sdk.testing.waiting import wait_until

__all__ = [
    "Event",
    "KafkaAddress",
    "LocalIssuer",
    "LocalRelease",
    "PodDatabase",
    "PostgresAddress",
    "announce_pods",
    "create_topics",
    "database_for",
    "empty_topics",
    "new_topic",
    "noting_proxy",
    "publish",
    "read_all",
    "registered_topics",
    "rows_read",
    "running_pod",
    "wait_until",
]
