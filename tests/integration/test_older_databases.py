"""A database that was made with the tables of an older SDK has the present ones after its pod's migrations."""

import asyncio

import asyncpg
import pytest

from machi_sdk import migrating
from machi_sdk.migrating import RUNTIME_SHAPE, runtime_shapes
from machi_sdk.schema import schema_of
from machi_sdk.tables import RUNTIME
from machi_sdk.testing import PostgresAddress, database_for
from tests.architecture.house import Service, with_tables

pytestmark = pytest.mark.integration
# What the shape before the present one had instead.
FORMER = """
DROP INDEX ix_inbound_events_said;
ALTER TABLE inbound_events DROP COLUMN focus_version;
"""
INDEXES = """
SELECT indexname FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE '%pkey' AND indexname NOT LIKE 'pk_%'
"""
# Which columns there are, and whether an insert has to name them.
COLUMNS = """
SELECT table_name AS "table", column_name AS "column", is_nullable = 'NO' AND column_default IS NULL
    AND is_identity = 'NO' AND is_generated = 'NEVER' AS wanted
FROM information_schema.columns WHERE table_schema = 'public'
"""


def _before(service: Service) -> str:
    """The revision an older release left the pod's tables at."""
    present = [revision for revision, shape in runtime_shapes(service.folder).items() if shape == RUNTIME_SHAPE]
    return f"{int(min(present)) - 1:04}" if present else schema_of(service.folder).known


@pytest.mark.parametrize("service", with_tables(), ids=lambda service: service.name)
async def test_an_older_database_gets_the_present_tables(service: Service, postgres_server: PostgresAddress) -> None:
    async with database_for(postgres_server, service.folder) as database:
        await asyncio.to_thread(migrating.downgrade, service.folder, database.owner_url, _before(service))
        connection = await asyncpg.connect(database.owner_url)
        await connection.execute(FORMER)
        await asyncio.to_thread(migrating.upgrade, service.folder, database.owner_url)
        found = {row["indexname"] for row in await connection.fetch(INDEXES, list(RUNTIME.tables))}
        await connection.close()
    assert found == {str(index.name) for table in RUNTIME.tables.values() for index in table.indexes}


@pytest.mark.parametrize("service", with_tables(), ids=lambda service: service.name)
async def test_an_insert_of_the_first_release_names_all_that_present_tables_want(
    service: Service, postgres_server: PostgresAddress
) -> None:
    """Old code works beside the new pods of an upgrade, and after a rollback."""
    async with database_for(postgres_server, service.folder) as database:
        connection = await asyncpg.connect(database.owner_url)
        now = await connection.fetch(COLUMNS)
        await asyncio.to_thread(migrating.downgrade, service.folder, database.owner_url, "0001")
        then = await connection.fetch(COLUMNS)
        await connection.close()
    tables, known = {row["table"] for row in then}, {(row["table"], row["column"]) for row in then}
    later = {(row["table"], row["column"]) for row in now if row["wanted"] and row["table"] in tables} - known
    assert later == set()
