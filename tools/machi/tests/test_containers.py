"""Where the servers of the tests come from, and that containers serve where an engine runs."""

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from machi_tools.embedded.containers import contained_kafka, contained_postgres, engine_trouble, in_containers
from machi_tools.embedded.given import GivenPostgres
from machi_tools.errors import StackError

SETTING = "MACHI_TEST_SERVERS"


def away() -> str:
    return "nobody listens"


def there() -> str:
    return ""


def not_asked() -> str:
    raise AssertionError("looked for an engine nobody wanted")


def test_without_a_setting_nothing_is_looked_for() -> None:
    assert not in_containers({}, not_asked)
    assert not in_containers({SETTING: "embedded"}, not_asked)


def test_auto_takes_containers_where_an_engine_answers() -> None:
    assert in_containers({SETTING: "auto"}, there)
    assert not in_containers({SETTING: "auto"}, away)


def test_who_wants_containers_gets_them_or_is_told() -> None:
    assert in_containers({SETTING: "containers"}, there)
    with pytest.raises(StackError, match="nobody listens") as told:
        in_containers({SETTING: "containers"}, away)
    assert told.value.cure.endswith(f"{SETTING}=embedded")
    with pytest.raises(StackError, match="podman is nothing we know"):
        in_containers({SETTING: "podman"}, there)


def test_an_engine_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert "127.0.0.1" in engine_trouble()


def test_an_address_as_a_container_gives_it_makes_others_for_roles() -> None:
    given = GivenPostgres("postgresql://postgres:word@localhost:49153/postgres")
    assert given.url() == "postgresql://postgres:word@localhost:49153/postgres"
    assert given.url("pod", "pod", "s/x") == "postgresql://pod:s%2Fx@localhost:49153/pod"


@pytest.mark.integration
async def test_servers_in_containers_serve() -> None:
    trouble = engine_trouble()
    if trouble:
        pytest.skip(f"no container engine: {trouble}")
    with contained_postgres() as postgres, contained_kafka() as kafka:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE EXTENSION btree_gist")
        await connection.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        assert await admin.list_topics() is not None
        await admin.close()
