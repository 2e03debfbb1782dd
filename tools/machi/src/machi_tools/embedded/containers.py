"""PostgreSQL and Kafka for tests in containers, where an engine runs; testcontainers starts and removes them."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from machi_tools.embedded.given import GivenKafka, GivenPostgres
from machi_tools.errors import StackError

SETTING = "MACHI_TEST_SERVERS"
POSTGRES_IMAGE = "postgres:17"
KAFKA_IMAGE = "confluentinc/cp-kafka:7.6.0"


class Kind(StrEnum):
    """Where the servers of a test session come from."""

    EMBEDDED = "embedded"
    CONTAINERS = "containers"
    AUTO = "auto"


def engine_trouble() -> str:
    """Why no container engine can be used; empty when one can. Docker's own client looks, with its own settings."""
    # In a process of its own: where there is no engine the client leaves a socket open.
    look = "import docker; docker.from_env(timeout=3).ping()"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False, timeout=30)
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else ""


def in_containers(environ: Mapping[str, str] = os.environ, trouble: Callable[[], str] = engine_trouble) -> bool:
    """What MACHI_TEST_SERVERS says; `auto` means containers where an engine answers.

    Without a setting it is `embedded`: nothing is downloaded unasked. StackError for containers without an engine.
    """
    given = environ.get(SETTING) or Kind.EMBEDDED
    try:
        kind = Kind(given)
    except ValueError as error:
        raise StackError(f"{SETTING}={given} is nothing we know", f"one of {', '.join(Kind)}") from error
    if kind is Kind.EMBEDDED:
        return False
    why_not = trouble()
    if why_not and kind is Kind.CONTAINERS:
        raise StackError(f"no container engine answers: {why_not}", f"start one, or {SETTING}={Kind.EMBEDDED}")
    return not why_not


@contextmanager
def contained_postgres() -> Iterator[GivenPostgres]:
    """A PostgreSQL in a container of its own."""
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 (only tests have it)

    word = secrets.token_hex(12)
    server = PostgresContainer(POSTGRES_IMAGE, username="postgres", password=word, dbname="postgres", driver=None)
    with server as container:
        yield GivenPostgres(container.get_connection_url())


@contextmanager
def contained_kafka() -> Iterator[GivenKafka]:
    """A Kafka in a container of its own, one KRaft node; like the embedded one it makes no topic by itself."""
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 (only tests have it)

    server = KafkaContainer(KAFKA_IMAGE).with_kraft().with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    with server as container:
        yield GivenKafka(container.get_bootstrap_server())
