"""Migrations: alembic per service, run by the owner's role; grants and row-level security by one rule each.

In a cluster a Job runs `python -m machi_sdk.migrating_job upgrade` in the service's folder.
"""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import asyncpg
import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import MetaData, pool
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from machi_sdk.database import plain_url
from machi_sdk.deliveries.tables import DELIVERIES, deliveries_table
from machi_sdk.tables import RUNTIME, TENANT_TABLES, new_metadata

# One more with each change of the runtime's tables or functions; a migration of each pod says it in turn.
RUNTIME_SHAPE = 2
_BRINGS = re.compile(r"upgrade_runtime_tables\(op, shape=(\d+)\)")
_POLICY = "tenant = current_setting('machi.tenant', true)"
# The id a citizen goes by now. Its lock is held until the transaction ends, so that no merge overtakes what is written
# under that id; each statement sees what was committed while the one before it waited.
_PRESENT_ID = """
CREATE OR REPLACE FUNCTION present_id(whose text, citizen text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE present text;
BEGIN
    LOOP
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(whose || '/' || citizen, 2));
        SELECT citizen_id INTO present FROM aliases WHERE tenant = whose AND former_id = citizen;
        EXIT WHEN NOT FOUND;
        citizen := present;
    END LOOP;
    RETURN citizen;
END $$
"""

# What a turn begins with, asked as its tenant by one statement without a transaction around it; planned once.
_TURN_BEGUN = """
CREATE OR REPLACE FUNCTION turn_begun(whose text, event text, citizen text, session text)
RETURNS TABLE (
    response bytea, present text, session_id text, citizen_id text, command text, answers text, version integer,
    touched_at timestamptz, ended_at timestamptz
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM set_config('machi.tenant', whose, true);
    RETURN QUERY
    SELECT (SELECT t.response FROM turns t WHERE t.tenant = whose AND t.event_id = event),
        coalesce((SELECT a.citizen_id FROM aliases a WHERE a.tenant = whose AND a.former_id = citizen), citizen),
        s.session_id, s.citizen_id, s.command, s.answers::text, s.version, s.touched_at, s.ended_at
    FROM (VALUES (session)) AS asked (session_id)
    LEFT JOIN dialogue_sessions s ON s.tenant = whose AND s.session_id = asked.session_id;
END $$
"""


class Op(Protocol):
    """What a migration's `op` (the module or the object) is used for here."""

    def get_bind(self) -> Connection:
        """The migration's connection."""
        ...

    def execute(self, sqltext: str, /) -> None:
        """Run one statement."""
        ...


def upgrade(service_dir: Path, owner_url: str, revision: str = "head") -> None:
    """Bring a service's database to `revision` and grant its pod role what it needs."""
    command.upgrade(_config(service_dir, owner_url), revision)


def refusal(service_dir: Path, owner_url: str) -> str:
    """Upgrade; why the database refused, with everything undone, or nothing."""
    try:
        upgrade(service_dir, owner_url)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return ""


def downgrade(service_dir: Path, owner_url: str, revision: str = "base") -> None:
    """Take a service's database back to `revision`."""
    command.downgrade(_config(service_dir, owner_url), revision)


def check(service_dir: Path, owner_url: str) -> None:
    """Raise when the tables in code and the migrations differ, or older databases would stay behind the SDK's."""
    if RUNTIME_SHAPE not in runtime_shapes(service_dir).values():
        wanted = f"upgrade_runtime_tables(op, shape={RUNTIME_SHAPE})"
        raise CommandError(f"{service_dir.name} keeps the tables of an older SDK: add a migration with `{wanted}`")
    command.check(_config(service_dir, owner_url))


def round_trip(service_dir: Path, owner_url: str) -> str:
    """What is wrong with the migrations, down to nothing and up again; empty when all is well. For a pod's tests."""
    try:
        check(service_dir, owner_url)
        downgrade(service_dir, owner_url)
        upgrade(service_dir, owner_url)
        check(service_dir, owner_url)
    except CommandError as error:
        return str(error)
    return ""


def runtime_shapes(service_dir: Path) -> dict[str, int]:
    """The shape of the runtime's tables that each migration brings, by revision; those older than shapes say none."""
    paths = (service_dir / "migrations" / "versions").glob("[0-9]*_*.py")
    found = {path.name.partition("_")[0]: _BRINGS.search(path.read_text(encoding="utf-8")) for path in paths}
    return {revision: int(match[1]) for revision, match in found.items() if match}


def run_env(metadata: MetaData, append_only: Iterable[str] = ()) -> None:
    """The body of a service's migrations/env.py; tables in `append_only` can be read and added to, nothing else."""
    url = context.config.get_main_option("sqlalchemy.url") or ""
    asyncio.run(_migrate(url, [metadata, RUNTIME], tuple(append_only)))


def create_runtime_tables(op: Op) -> None:
    """Create what the SDK keeps in every pod's database; called by migration 0001."""
    RUNTIME.create_all(op.get_bind())
    for table in TENANT_TABLES:
        enable_rls(op, table)
    op.execute(_PRESENT_ID)
    op.execute(_TURN_BEGUN)


def upgrade_runtime_tables(op: Op, shape: int = 0) -> None:
    """Bring what older releases created to its present shape; called by a service's next migration, safe to repeat.

    `shape` is the `RUNTIME_SHAPE` the migration is written for: a pod without one for the present shape is refused by
    `check`.
    """
    if shape > RUNTIME_SHAPE:
        raise ValueError(f"this SDK knows shape {RUNTIME_SHAPE} of the runtime's tables, the migration wants {shape}")
    create_runtime_tables(op)
    op.execute("DROP INDEX IF EXISTS uq_parked_consumer_topic_partition_offset")
    op.execute("ALTER TABLE inbound_events ADD COLUMN IF NOT EXISTS focus_version bigint")
    for table in RUNTIME.sorted_tables:
        for index in table.indexes:
            index.create(op.get_bind(), checkfirst=True)


def drop_runtime_tables(op: Op) -> None:
    """The way down of `create_runtime_tables`."""
    op.execute("DROP FUNCTION IF EXISTS present_id(text, text)")
    op.execute("DROP FUNCTION IF EXISTS turn_begun(text, text, text, text)")
    RUNTIME.drop_all(op.get_bind())


def create_deliveries(op: Op) -> None:
    """Create a channel adapter's list of what is to be sent."""
    deliveries_table(new_metadata()).metadata.create_all(op.get_bind())
    enable_rls(op, DELIVERIES)


def drop_deliveries(op: Op) -> None:
    """The way down of `create_deliveries`."""
    deliveries_table(new_metadata()).metadata.drop_all(op.get_bind())


def enable_rls(op: Op, table: str) -> None:
    """Rows are seen and written only as their tenant, by everybody, the owner included."""
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(f'DROP POLICY IF EXISTS tenant_only ON "{table}"')
    op.execute(f'CREATE POLICY tenant_only ON "{table}" USING ({_POLICY}) WITH CHECK ({_POLICY})')


def _config(service_dir: Path, owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(service_dir / "migrations"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config


async def _migrate(url: str, metadata: list[MetaData], append_only: tuple[str, ...]) -> None:
    # asyncpg reads the address: SQLAlchemy would hand it words such as `sslmode`, which it takes in an address alone.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(plain_url(url)), poolclass=pool.NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run, metadata, append_only)
    finally:
        await engine.dispose()


def _run(connection: Connection, metadata: list[MetaData], append_only: tuple[str, ...]) -> None:
    connection.execute(sa.text("SET lock_timeout = '5s'"))
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=False)
    with context.begin_transaction():
        context.run_migrations()
    _grant(connection, append_only)


def _grant(connection: Connection, append_only: tuple[str, ...]) -> None:
    database = connection.execute(sa.text("SELECT current_database()")).scalar_one()
    role = str(database)
    known = connection.execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    if not known:
        return
    connection.execute(sa.text(f'GRANT USAGE ON SCHEMA public TO "{role}"'))
    connection.execute(sa.text(f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"'))
    connection.execute(sa.text(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"'))
    for table in append_only:
        present = connection.execute(sa.text("SELECT to_regclass(:table)"), {"table": table}).scalar()
        if present:
            connection.execute(sa.text(f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM "{role}"'))
