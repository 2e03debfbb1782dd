"""The embedded Kafka is a real one and survives what brokers have to survive."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from machi_tools.diagnosis.servers import look_at_kafka
from machi_tools.embedded import kafka_jars
from machi_tools.embedded.java import Java, find_java
from machi_tools.embedded.kafka import KafkaServer, cluster_id
from machi_tools.errors import StackError
from machi_tools.stack.layout import Layout
from machi_tools.stack.state import Process, Servers, State

TOPIC = "notes"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    server = KafkaServer(tmp_path_factory.mktemp("kafka") / "kafka").start()
    yield server
    server.destroy()


async def send(server: KafkaServer, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    if TOPIC not in await admin.list_topics():
        await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(TOPIC, value)


async def read_last(server: KafkaServer) -> bytes:
    partition = TopicPartition(TOPIC, 0)
    async with AIOKafkaConsumer(bootstrap_servers=server.bootstrap) as consumer:
        consumer.assign([partition])
        consumer.seek(partition, (await consumer.end_offsets([partition]))[partition] - 1)
        value: bytes = (await consumer.getone()).value
        return value


@pytest.mark.integration
async def test_confirmed_records_survive_a_restart_and_a_kill(server: KafkaServer) -> None:
    name = server.cluster_id()
    await send(server, b"first")
    server.restart()
    assert await read_last(server) == b"first"
    await send(server, b"second")
    server.kill()
    assert server.pid is None
    server.start()
    assert await read_last(server) == b"second"
    assert server.cluster_id() == name


@pytest.mark.integration
async def test_the_cluster_id_tells_ours_from_another(server: KafkaServer, tmp_path: Path) -> None:
    assert await cluster_id({"bootstrap_servers": server.bootstrap}) == server.cluster_id()
    stranger = KafkaServer(tmp_path / "stranger", port=server.port)
    assert not stranger.is_ours()


async def test_nobody_there_has_no_cluster_id() -> None:
    assert await cluster_id({"bootstrap_servers": "127.0.0.1:1"}) is None


@pytest.mark.integration
async def test_a_given_cluster_is_asked_as_its_settings_say(
    server: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "PLAIN", "USERNAME": "city"}.items():
        monkeypatch.setenv(f"KAFKA_SECURITY_{name}", value)
    ready = []
    for own in (True, False):
        servers = Servers(postgres="", postgres_own=True, kafka=server.bootstrap, kafka_own=own)
        state = State(supervisor=Process(pid=1, started=0), servers=servers)
        shown, _ = await look_at_kafka(Layout(tmp_path, tmp_path / "state"), state)
        ready.append(shown["ready"])
    assert ready == [True, False], "this broker knows no users: who brings one is not let in"


@pytest.mark.integration
async def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    named = KafkaServer(tmp_path / "街 ü😀\\" / "kafka").start()
    try:
        assert named.cluster_id()
    finally:
        named.destroy()


def test_a_java_is_found_without_one_on_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java().major >= 17


def test_an_old_java_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert find_java() != Java(str(old), 8)


def test_a_jar_with_other_content_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MACHI_KAFKA_JARS", str(tmp_path))
    with pytest.raises(StackError, match="is not in MACHI_KAFKA_JARS"):
        kafka_jars.class_path()
    for jar in kafka_jars.wanted():
        (tmp_path / jar.file_name).write_bytes(b"something else")
    with pytest.raises(StackError, match="is not the released one"):
        kafka_jars.class_path()
