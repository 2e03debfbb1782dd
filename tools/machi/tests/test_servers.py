"""Databases, roles and topics are made once, and made right."""

from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from machi_sdk.settings import Settings
from machi_tools.embedded.given import GivenPostgres, KafkaAddress, PostgresAddress
from machi_tools.errors import StackError
from machi_tools.stack.databases import Databases, given_server, without_password
from machi_tools.stack.secrets import SecretStore
from machi_tools.stack.topics import Topic, ensure_topics, read_topics

POD = "toy-pod"


@pytest.fixture
def databases(postgres_server: PostgresAddress, tmp_path: Path) -> Databases:
    return Databases(postgres_server, SecretStore(tmp_path / "secrets.json"))


@pytest.mark.integration
async def test_a_pod_reads_and_writes_but_cannot_change_tables(databases: Databases) -> None:
    for _ in range(2):
        await databases.ensure([POD])
    owner = await asyncpg.connect(databases.owner_url(POD))
    await owner.execute(f'CREATE TABLE note (words text); GRANT SELECT, INSERT ON note TO "{POD}"')
    await owner.execute("CREATE EXTENSION btree_gist")
    pod = await asyncpg.connect(databases.pod_url(POD))
    await pod.execute("INSERT INTO note VALUES ('x')")
    for forbidden in ("CREATE TABLE other (words text)", "DROP TABLE note", "ALTER TABLE note ADD more text"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pod.execute(forbidden)
    await pod.close()
    await owner.close()
    await databases.drop([POD])


@pytest.mark.integration
async def test_an_administrator_need_be_no_superuser(databases: Databases) -> None:
    administrator = await asyncpg.connect(databases.server.url())
    await administrator.execute("CREATE ROLE \"toy-admin\" LOGIN CREATEROLE CREATEDB PASSWORD 'word'")
    granted = Databases(GivenPostgres(databases.server.url("postgres", "toy-admin", "word")), databases.secrets)
    try:
        for _ in range(2):
            await granted.ensure([POD])
        await granted.drop([POD])
        await administrator.execute('ALTER ROLE "toy-admin" NOCREATEDB')
        with pytest.raises(StackError, match="refuses to make"):
            await granted.ensure([POD])
    finally:
        await databases.drop([POD])
        await administrator.execute('DROP ROLE "toy-admin"')
        await administrator.close()


@pytest.mark.integration
async def test_a_pod_cannot_enter_another_pods_database(databases: Databases) -> None:
    await databases.ensure([POD, "toy-other"])
    password = databases.secrets.word(f"database {POD}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(databases.server.url("toy-other", POD, password))
    await databases.drop([POD, "toy-other"])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("made", "gone", "what"),
    [
        ('CREATE DATABASE "toy-pod"', 'DROP DATABASE "toy-pod"', "the database toy-pod of postgres"),
        ('CREATE ROLE "toy-pod" LOGIN', 'DROP ROLE "toy-pod"', "the role toy-pod"),
    ],
)
async def test_what_others_made_is_neither_taken_nor_dropped(
    databases: Databases, tmp_path: Path, made: str, gone: str, what: str
) -> None:
    administrator = await asyncpg.connect(databases.server.url())
    await administrator.execute(made)
    try:
        with pytest.raises(StackError, match=f"did not make: {what}; nothing was changed"):
            await databases.ensure(["toy-other", POD])
        await databases.drop(SecretStore(tmp_path / "secrets.json").pods())
        found = await administrator.fetch("SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles")
        assert {row["name"] for row in found} & {"toy-other", "toy-other-owner", POD, f"{POD}-owner"} == {POD}
    finally:
        await administrator.execute(gone)
        await administrator.close()


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    gone = Databases(given_server("postgresql://a:b@127.0.0.1:1/postgres"), SecretStore(tmp_path / "s.json"))
    with pytest.raises(StackError, match="refuses the administrator"):
        await gone.ensure([POD])


def test_an_address_is_shown_without_its_password() -> None:
    for given in ("a:word@h:5/x", "a:word@[::1]:5433/x?sslmode=verify-full", "a:word@/x?host=/run/postgresql", "h/x"):
        assert without_password(f"postgresql://{given}") == f"postgresql://{given.replace(':word', '')}"
    assert GivenPostgres("postgresql://a:w@h:5/x?ssl=on").url("y", "r", "p") == "postgresql://r:p@h:5/y?ssl=on"


@pytest.mark.integration
async def test_topics_are_made_with_their_settings_once(kafka_server: KafkaAddress) -> None:
    topics = [Topic("toy.short.v1", 2, 72, "delete"), Topic("toy.ever.v1", 1, -1, "compact")]
    assert await ensure_topics(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), topics) == 2
    assert await ensure_topics(Settings(kafka_bootstrap_servers=kafka_server.bootstrap), topics) == 0
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    described = await admin.describe_topics(["toy.short.v1"])
    await admin.delete_topics([topic.name for topic in topics])
    await admin.close()
    assert len(described[0]["partitions"]) == 2
    assert topics[0].settings["retention.ms"] == str(72 * 3600 * 1000)
    assert topics[1].settings == {"cleanup.policy": "compact", "retention.ms": "-1"}


def test_a_topic_without_a_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("partitions: 3\n")
    with pytest.raises(StackError, match=r"x\.yaml has no name"):
        read_topics(tmp_path)
