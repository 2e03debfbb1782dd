"""Rows of a municipality are walled off in every table of every pod, but for the one that the guide names."""

import asyncpg
import pytest

from machi_sdk.testing import PostgresAddress, database_for
from tests.architecture.house import ROOT, Service, with_tables

pytestmark = pytest.mark.integration
PAGES = (ROOT / "docs" / "guides" / "several-municipalities.md", ROOT / "services" / "identity" / "README.md")
WITHOUT = "inbound_events"
OPEN = """
SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant' AND NOT attisdropped
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT (relrowsecurity AND relforcerowsecurity)
"""


@pytest.mark.parametrize("service", with_tables(), ids=lambda service: service.name)
async def test_row_level_security_is_forced_on_tables_with_a_tenant(
    service: Service, postgres_server: PostgresAddress
) -> None:
    async with database_for(postgres_server, service.folder) as database:
        connection = await asyncpg.connect(database.owner_url)
        found = [row["relname"] for row in await connection.fetch(OPEN)]
        await connection.close()
    assert found == [WITHOUT]


def test_the_pages_name_the_exception() -> None:
    assert all(f"`{WITHOUT}`" in page.read_text(encoding="utf-8") for page in PAGES)
