"""What a pod and its migration Job say about tables older or newer than the code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from machi_sdk import migrating
from machi_sdk.migrating_job import Refused, run
from machi_sdk.schema import schema_of
from machi_sdk.testing import PodDatabase, PostgresAddress, database_for

TOY = Path(__file__).parent / "toy"


def _quiet(_words: str) -> None:
    """Nobody listens."""


@asynccontextmanager
async def released(server: PostgresAddress) -> AsyncIterator[PodDatabase]:
    """A database as a release has it: with a role of its name."""
    admin = await asyncpg.connect(server.url())
    async with database_for(server, TOY) as database:
        await admin.execute(f'CREATE ROLE "{database.name}"')
        yield database
    await admin.execute(f'DROP ROLE "{database.name}"')
    await admin.close()


def test_a_folder_tells_what_the_code_knows(tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    assert schema_of(tmp_path).trouble("") is None
    for name in ("0001_first.py", "0002_second.py"):
        (versions / name).touch()
    schema = schema_of(tmp_path)
    assert str(schema.trouble("")).startswith("tables are missing, this code wants 0002: run the release's migrations")
    assert "at 0001, older than this code's 0002" in str(schema.trouble("0001"))
    assert schema.trouble("0002") is None
    assert schema.trouble("0003") is None
    assert schema.newer("0003")
    assert not schema.newer("0002")


def test_a_job_without_an_address_or_a_database_says_so() -> None:
    with pytest.raises(Refused, match="DATABASE_URL is not set"):
        run("upgrade", TOY, "", 0, _quiet)
    with pytest.raises(Refused, match=r"toy at 127.0.0.1:1 as toy-owner does not let us in"):
        run("upgrade", TOY, "postgresql://toy-owner:word@127.0.0.1:1/toy", 0, _quiet)


@pytest.mark.integration
async def test_a_job_upgrades_and_leaves_newer_tables_alone(postgres_server: PostgresAddress) -> None:
    said: list[str] = []
    async with released(postgres_server) as database:
        connection = await asyncpg.connect(database.owner_url)
        await asyncio.to_thread(run, "upgrade", TOY, database.owner_url, 0, said.append)
        await connection.execute("UPDATE alembic_version SET version_num = '0009'")
        await asyncio.to_thread(run, "upgrade", TOY, database.owner_url, 0, said.append)
        await connection.close()
    assert said == [
        "tables: 0001 -> 0001",
        "tables are at 0009, newer than this code's 0001: left as they are, migrations only add",
    ]


@pytest.mark.integration
async def test_a_job_that_has_nobody_to_grant_to_says_so(postgres_server: PostgresAddress) -> None:
    async with database_for(postgres_server, TOY) as database:
        with pytest.raises(Refused, match=r"^toy-.* at .* as toy-.*-owner has no role of the database's name"):
            await asyncio.to_thread(run, "upgrade", TOY, database.owner_url, 0, _quiet)


@pytest.mark.integration
async def test_a_job_that_meets_a_lock_changes_nothing(postgres_server: PostgresAddress) -> None:
    async with released(postgres_server) as database:
        connection = await asyncpg.connect(database.owner_url)
        await asyncio.to_thread(migrating.downgrade, TOY, database.owner_url)
        await connection.execute("BEGIN; LOCK TABLE alembic_version IN SHARE MODE")
        with pytest.raises(Refused, match="the migration was undone, nothing changed"):
            await asyncio.to_thread(run, "upgrade", TOY, database.owner_url, 0, _quiet)
        await connection.close()
