"""The topics as they are on Kafka beside what the registry wants, and how far behind their readers are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aiokafka.errors import KafkaError

from machi_sdk.settings import Settings
from machi_sdk.topics_seen import TopicSeen, topics_seen
from machi_tools.errors import StackError
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import discover
from machi_tools.stack.state import State
from machi_tools.stack.topics import Topic, read_topics

ANY_POD = "*"


@dataclass(frozen=True)
class Shape:
    """What a topic is made of; hours below zero mean for ever, None what Kafka does not show to those who looked."""

    partitions: int
    retention_hours: float | None
    cleanup: str | None


@dataclass(frozen=True)
class Reader:
    """A pod that reads a topic; without a group it reads the topic whole at its start and is never behind."""

    pod: str
    group: str = ""
    lag: int = 0


@dataclass(frozen=True)
class TopicView:
    """One topic: `wanted` is None when nobody registered it, `found` when Kafka does not have it."""

    name: str
    kind: str
    owner: str
    wanted: Shape | None
    found: Shape | None
    readers: tuple[Reader, ...]

    @property
    def differences(self) -> list[str]:
        """How it is not as wanted, in words."""
        if self.wanted is None or self.found is None:
            return ["is not registered" if self.wanted is None else "is missing"]
        pairs = [
            ("partitions", self.found.partitions, self.wanted.partitions),
            ("hours kept", self.found.retention_hours, self.wanted.retention_hours),
            ("cleanup", self.found.cleanup, self.wanted.cleanup),
        ]
        return [f"{what}: {found} instead of {wanted}" for what, found, wanted in pairs if found not in (wanted, None)]


async def look_at_topics(layout: Layout, state: State) -> list[TopicView]:
    """Every wanted topic, and those of ours that nobody registered, by name; StackError when Kafka does not answer."""
    wanted = read_topics(layout.root / "protos" / "topics")
    everyone = [pod.name for pod in state.pods]
    reads = [
        (pod.name, entry) for pod in discover(layout.root) if pod.name in everyone for entry in pod.manifest.consumes
    ]
    settings = Settings(kafka_bootstrap_servers=state.servers.kafka)
    groups = [(entry.topic, entry.group) for _, entry in reads]
    try:
        seen = await topics_seen(settings, groups, [topic.name for topic in wanted])
    except (KafkaError, OSError, TimeoutError) as error:
        raise StackError(
            f"Kafka at {state.servers.kafka} does not answer ({type(error).__name__})", "machi doctor"
        ) from error
    return views(wanted, everyone, seen, {entry.group: pod for pod, entry in reads})


def views(
    wanted: Sequence[Topic], everyone: Sequence[str], seen: Sequence[TopicSeen], readers: Mapping[str, str]
) -> list[TopicView]:
    """What is wanted beside what was seen, by name; `readers` says whose each group is."""
    registered, found = {topic.name: topic for topic in wanted}, {topic.topic: topic for topic in seen}
    return [
        _view(name, registered.get(name), found.get(name), readers, everyone) for name in sorted({*registered, *found})
    ]


def together(answers: Mapping[str, Sequence[TopicSeen]]) -> tuple[list[TopicSeen], dict[str, str]]:
    """What several pods saw as one, and whose each group is."""
    seen: dict[str, TopicSeen] = {}
    for topic in (topic for topics in answers.values() for topic in topics):
        known = seen.get(topic.topic, topic)
        shown = known if known.cleanup is not None else topic
        seen[topic.topic] = replace(shown, lag={**known.lag, **topic.lag})
    readers = {group: pod for pod, topics in answers.items() for topic in topics for group in topic.lag}
    return list(seen.values()), readers


def _whole(topic: Topic | None, behind: Sequence[Reader], everyone: Sequence[str]) -> list[Reader]:
    """Who reads it without a group; a topic that is open to all and in no manifest is read by the SDK in every pod."""
    if topic is None:
        return []
    known = {reader.pod for reader in behind}
    named = everyone if topic.readers == (ANY_POD,) and not behind else topic.readers
    return [Reader(pod) for pod in named if pod not in known and pod != ANY_POD]


def _view(
    name: str, topic: Topic | None, seen: TopicSeen | None, pods: Mapping[str, str], everyone: Sequence[str]
) -> TopicView:
    behind = [Reader(pods[group], group, lag) for group, lag in (seen.lag if seen else {}).items()]
    found = Shape(seen.partitions, seen.retention_hours, seen.cleanup) if seen else None
    whole = _whole(topic, behind, everyone) if seen else []
    readers = (*sorted(behind, key=_by_name), *sorted(whole, key=_by_name))
    if topic is None:
        return TopicView(name, "", "", None, found, readers)
    wanted = Shape(topic.partitions, topic.retention_hours, topic.cleanup)
    return TopicView(name, topic.kind, topic.owner, wanted, found, readers)


def _by_name(reader: Reader) -> tuple[str, str]:
    return reader.pod, reader.group
