"""Pytest plugin: one real PostgreSQL and one real Kafka per test session, started when first asked for.

Embedded, or in containers as MACHI_TEST_SERVERS says; servers that the environment names always win.
"""

import os
from collections.abc import Iterator

import pytest

from machi_tools.embedded.containers import contained_kafka, contained_postgres, in_containers
from machi_tools.embedded.given import GivenKafka, GivenPostgres, KafkaAddress, PostgresAddress
from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresAddress]:
    """A PostgreSQL of this session, or the one that MACHI_TEST_DATABASE_URL administers."""
    given = os.environ.get("MACHI_TEST_DATABASE_URL")
    if given:
        yield GivenPostgres(given)
        return
    if in_containers():
        with contained_postgres() as contained:
            yield contained
        return
    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "data", fsync=False).start()
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaAddress]:
    """A Kafka of this session, or the one that KAFKA_BOOTSTRAP_SERVERS names."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield GivenKafka(given)
        return
    if in_containers():
        with contained_kafka() as contained:
            yield contained
        return
    server = KafkaServer(tmp_path_factory.mktemp("kafka") / "data").start()
    yield server
    server.destroy()
