"""Kafka's topics, from the registry in protos/topics."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from machi_sdk.kafka_client import kafka_options
from machi_sdk.settings import Settings
from machi_tools.errors import StackError, reason

DEFAULT_PARTITIONS = 3
ALREADY_THERE = 36  # another stack over the same given cluster was quicker


@dataclass(frozen=True)
class Topic:
    """One topic as the registry describes it."""

    name: str
    partitions: int
    retention_hours: int
    cleanup: str
    kind: str = ""
    owner: str = ""
    readers: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, str]:
        """Kafka's settings for this topic."""
        keep = -1 if self.retention_hours < 0 else self.retention_hours * 3_600_000
        return {"cleanup.policy": self.cleanup, "retention.ms": str(keep)}


def read_topics(folder: Path, pattern: str = "*.yaml") -> list[Topic]:
    """The registry, sorted by name."""
    return [_read(path) for path in sorted(folder.glob(pattern))]


def _read(path: Path) -> Topic:
    entry = yaml.safe_load(path.read_text())
    if not isinstance(entry, dict) or "name" not in entry:
        raise StackError(f"topics/{path.name} has no name", "mend the topic's description, then try again")
    return Topic(
        name=str(entry["name"]),
        partitions=int(entry.get("partitions", DEFAULT_PARTITIONS)),
        retention_hours=int(entry.get("retention_hours", 168)),
        cleanup=str(entry.get("cleanup", "delete")),
        kind=str(entry.get("class", "")),
        owner=str(entry.get("owner", "")),
        readers=tuple(map(str, entry.get("consumers", []))),
    )


async def ensure_topics(settings: Settings, topics: list[Topic]) -> int:
    """Create the missing topics, with as many copies as the cluster can hold up to three; how many were made."""
    client = AIOKafkaAdminClient(**kafka_options(settings), request_timeout_ms=10_000)
    try:
        await client.start()
        existing = set(await client.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        if missing:
            copies = min(3, len((await client.describe_cluster())["brokers"]))
            answer = await client.create_topics([_new(topic, copies) for topic in missing])
            _check(answer.topic_errors)
        return len(missing)
    except (KafkaError, OSError, TimeoutError) as error:
        raise _refused(settings, error) from error
    finally:
        await client.close()


async def delete_topics(settings: Settings, names: list[str]) -> None:
    """Delete those of the topics that are there, with all their records."""
    client = AIOKafkaAdminClient(**kafka_options(settings), request_timeout_ms=10_000)
    try:
        await client.start()
        there = sorted(set(names) & set(await client.list_topics()))
        for name, code in (await client.delete_topics(there)).topic_error_codes if there else []:
            if code:
                raise StackError(
                    f"Kafka keeps topic {name}: error {code}", "allow this user to delete it, then try again"
                )
    except (KafkaError, OSError, TimeoutError) as error:
        raise _refused(settings, error) from error
    finally:
        await client.close()


def _refused(settings: Settings, error: Exception) -> StackError:
    """Of a broker that takes a user or not aiokafka tells no more than that it could not be reached."""
    cure = "check KAFKA_BOOTSTRAP_SERVERS"
    if "SASL" in settings.kafka_security_protocol:
        cure += f", and that Kafka knows the user {settings.kafka_security_username} by this password"
    return StackError(f"Kafka at {settings.kafka_bootstrap_servers} refuses: {reason(error)}", cure)


def _new(topic: Topic, copies: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, copies, topic_configs=topic.settings)


def _check(errors: list[tuple[str, int, str]]) -> None:
    for name, code, words in errors:
        if code not in (0, ALREADY_THERE):
            raise StackError(f"Kafka refuses topic {name}: {words}", "mend the topic's description, then try again")
