"""`machi reset` empties the servers that the stack was given, or refuses before anything is gone."""

import asyncio
import fcntl
import socket
from pathlib import Path
from threading import Thread

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from machi_sdk.settings import Settings
from machi_tools.embedded.given import KafkaAddress, PostgresAddress
from machi_tools.errors import StackError
from machi_tools.stack.databases import Databases
from machi_tools.stack.emptying import remember
from machi_tools.stack.layout import Layout
from machi_tools.stack.lifting import reset
from machi_tools.stack.secrets import SecretStore
from machi_tools.stack.topics import ensure_topics, read_topics

POD, TOPIC = "toy-emptied", "toy.emptied.v1"
ASKED = (
    "SELECT (SELECT count(*) FROM pg_database WHERE datname = $1) + (SELECT count(*) FROM pg_roles WHERE rolname = $1)"
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    topics = tmp_path / "protos" / "topics"
    topics.mkdir(parents=True)
    (topics / f"{TOPIC}.yaml").write_text(f"name: {TOPIC}\npartitions: 1\n")
    (tmp_path / "state").mkdir()
    return Layout(tmp_path, tmp_path / "state")


def there(layout: Layout) -> set[str]:
    return {path.name for path in layout.state.iterdir()} - {"up.lock"}


async def _fill(layout: Layout, server: PostgresAddress, bootstrap: str) -> None:
    await Databases(server, SecretStore(layout.state / "secrets.json")).ensure([POD])
    topics = read_topics(layout.root / "protos" / "topics")
    assert await ensure_topics(Settings(kafka_bootstrap_servers=bootstrap), topics) == 1


async def _left(server: PostgresAddress, bootstrap: str) -> tuple[int, bool]:
    """How many databases and roles of the pod, and whether the topic."""
    connection = await asyncpg.connect(server.url())
    count: int = await connection.fetchval(ASKED, POD)
    await connection.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    names = await admin.list_topics()
    await admin.close()
    return count, TOPIC in names


@pytest.mark.integration
def test_servers_that_others_run_are_emptied(
    layout: Layout, postgres_server: PostgresAddress, kafka_server: KafkaAddress
) -> None:
    environ = {
        "DATABASE_URL": postgres_server.url(),
        "KAFKA_BOOTSTRAP_SERVERS": kafka_server.bootstrap,
        "OBJECT_STORE_URL": "s3://a-bucket",
    }
    remember(layout, environ)
    asyncio.run(_fill(layout, postgres_server, kafka_server.bootstrap))
    assert asyncio.run(_left(postgres_server, kafka_server.bootstrap)) == (2, True)
    assert reset(layout, environ) == "s3://a-bucket"
    assert asyncio.run(_left(postgres_server, kafka_server.bootstrap)) == (0, False)
    assert there(layout) == set()


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("DATABASE_URL", "postgresql://admin:never-to-be-shown@db.example:5432/postgres", "db.example:5432"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092", "kafka.example:9092"),
    ],
)
def test_without_the_servers_address_nothing_is_deleted(layout: Layout, name: str, value: str, place: str) -> None:
    remember(layout, {name: value})
    (layout.state / "secrets.json").write_text("{}")
    for now in ({}, {name: "postgresql://other.example/postgres"}):
        with pytest.raises(StackError) as told:
            reset(layout, now)
        assert (
            told.value.what == f"the city's data lies at {place}, which {name} does not name now: nothing was deleted"
        )
        assert f"set {name} as `machi up` had it" in told.value.cure
    assert there(layout) == {"given.json", "secrets.json"}
    assert "never-to-be-shown" not in (layout.state / "given.json").read_text()


def test_a_stack_with_servers_of_its_own_touches_no_others(layout: Layout) -> None:
    remember(layout, {})
    assert reset(layout, {"DATABASE_URL": "postgresql://127.0.0.1:1/postgres", "KAFKA_BOOTSTRAP_SERVERS": "x:1"}) == ""
    assert there(layout) == set()


def test_what_the_stack_did_not_make_stays(layout: Layout) -> None:
    """Images and wheels took an hour to build, and the folder may be one that people keep other things in."""
    remember(layout, {})
    for name in ("wheelhouse", "images", "env", "data", "keys", "log"):
        (layout.state / name).mkdir()
        (layout.state / name / "a").touch()
    for name in ("notes.txt", "state.json"):
        (layout.state / name).touch()
    reset(layout, {})
    assert there(layout) == {"wheelhouse", "images", "env", "notes.txt"}


def test_up_waits_until_all_is_deleted(layout: Layout) -> None:
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {"DATABASE_URL": f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/postgres"}
        remember(layout, environ)

        def resetting() -> None:
            try:
                reset(layout, environ)
            except StackError as error:
                told.append(error.what)

        thread = Thread(target=resetting)
        thread.start()
        connection, _ = silent.accept()
        with (layout.state / "up.lock").open() as handle, pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        connection.close()
    thread.join(30)
    assert "refuses the administrator" in told[0]
    assert there(layout) == {"given.json"}
