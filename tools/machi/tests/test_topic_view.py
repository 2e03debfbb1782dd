"""Topics as they are beside what is wanted, on a real Kafka: missing, changed, unknown, and read too slowly."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from machi_sdk.settings import Settings
from machi_sdk.testing import wait_until
from machi_tools.embedded.given import KafkaAddress
from machi_tools.errors import StackError
from machi_tools.stack.layout import Layout
from machi_tools.stack.state import PodAddresses, Process, Servers, State
from machi_tools.stack.topics import ensure_topics, read_topics
from machi_tools.topic_view import Reader, Shape, TopicView, look_at_topics

pytestmark = pytest.mark.integration
ENTRY = "{{name: {name}, class: facts, owner: toys, partitions: 2, retention_hours: 48, consumers: [toys, dolls]}}"
MANIFEST = """name: toys
version: "1"
owner: tests
consumes:
  - topic: {topic}
    group: toys.{topic}
"""


@dataclass(frozen=True)
class Yard:
    """A registry with one topic, a pod that reads it, and a Kafka."""

    layout: Layout
    topic: str
    bootstrap: str

    async def look(self, bootstrap: str = "") -> dict[str, TopicView]:
        servers = Servers(postgres="", postgres_own=False, kafka=bootstrap or self.bootstrap, kafka_own=False)
        pods = [PodAddresses(name="toys", http="", rpc="")]
        state = State(supervisor=Process(pid=1, started=0), servers=servers, pods=pods)
        return {view.name: view for view in await look_at_topics(self.layout, state)}

    async def create(self) -> None:
        await ensure_topics(
            Settings(kafka_bootstrap_servers=self.bootstrap), read_topics(self.layout.root / "protos" / "topics")
        )
        await self.there(self.topic)

    async def there(self, topic: str) -> TopicView:
        """The topic, once every part of Kafka knows it."""
        found: list[TopicView] = []

        async def known() -> bool:
            view = (await self.look()).get(topic)
            found.extend([view] if view and view.found else [])
            return bool(found)

        await wait_until(known)
        return found[0]

    async def write(self, count: int) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as kafka:
            for number in range(count):
                await kafka.send_and_wait(self.topic, b"x", partition=number % 2)


@pytest.fixture
def yard(tmp_path: Path, kafka_server: KafkaAddress) -> Yard:
    topic = f"machi.toys.{secrets.token_hex(4)}"
    for folder in ("protos/topics", "services/toys"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "protos" / "topics" / "toys.yaml").write_text(ENTRY.format(name=topic))
    (tmp_path / "services" / "toys" / "service.yaml").write_text(MANIFEST.format(topic=topic))
    return Yard(Layout(tmp_path, tmp_path / "state"), topic, kafka_server.bootstrap)


async def test_a_missing_topic_and_then_as_wanted(yard: Yard) -> None:
    before = (await yard.look())[yard.topic]
    assert (before.found, before.differences, before.owner, before.kind) == (None, ["is missing"], "toys", "facts")
    await yard.create()
    after = (await yard.look())[yard.topic]
    assert (after.found, after.differences) == (Shape(2, 48, "delete"), [])
    assert after.found == after.wanted


async def test_every_difference_is_told(yard: Yard) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=yard.bootstrap)
    await admin.start()
    other = {"retention.ms": "-1", "cleanup.policy": "compact"}
    await admin.create_topics([NewTopic(yard.topic, 3, 1, topic_configs=other)])
    await admin.close()
    assert (await yard.there(yard.topic)).differences == [
        "partitions: 3 instead of 2",
        "hours kept: -1 instead of 48",
        "cleanup: compact instead of delete",
    ]


async def test_readers_are_behind_by_what_they_did_not_commit(yard: Yard) -> None:
    await yard.create()
    await yard.write(7)
    group = f"toys.{yard.topic}"
    whole = Reader("dolls")
    assert (await yard.look())[yard.topic].readers == (Reader("toys", group, 7), whole)
    kafka = AIOKafkaConsumer(bootstrap_servers=yard.bootstrap, group_id=group, enable_auto_commit=False)
    async with kafka:
        kafka.assign([TopicPartition(yard.topic, 0)])
        await kafka.commit({TopicPartition(yard.topic, 0): 3})
    assert (await yard.look())[yard.topic].readers == (Reader("toys", group, 4), whole)


async def test_a_topic_of_ours_that_nobody_registered_is_told(yard: Yard) -> None:
    stray = f"machi.stray.{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=yard.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(stray, 1, 1)])
    found = await yard.there(stray)
    every = await yard.look()
    await admin.delete_topics([stray])
    await admin.close()
    assert found.differences == ["is not registered"]
    assert "__consumer_offsets" not in every


async def test_a_kafka_that_is_away_is_told_with_the_cure(yard: Yard) -> None:
    with pytest.raises(StackError, match="does not answer") as told:
        await yard.look("127.0.0.1:1")
    assert told.value.cure == "machi doctor"
