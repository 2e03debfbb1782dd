"""A fresh database per test: a template migrated once per service, cloned for each test, used by the pod's own role."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import asyncpg

from machi_sdk import migrating


class PostgresAddress(Protocol):
    """A PostgreSQL server one may administer."""

    def url(self, database: str = "postgres", role: str = "postgres", password: str | None = None) -> str:
        """An address for one database and role; the administrator's own without a password."""
        ...


@dataclass(frozen=True)
class PodDatabase:
    """One test's database: `url` as the pod (row-level security is in force), the others as owner and administrator."""

    name: str
    url: str
    owner_url: str
    admin_url: str


@dataclass(frozen=True)
class _Template:
    name: str
    password: str
    owner: str


_templates: dict[tuple[str, Path], _Template] = {}


@asynccontextmanager
async def database_for(server: PostgresAddress, service_dir: Path) -> AsyncIterator[PodDatabase]:
    """A database of its own for the service in `service_dir`, migrated to head; dropped at the end."""
    template = await _template_of(server, service_dir)
    name = f"{template.name}-{secrets.token_hex(4)}"
    await _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template.name}" OWNER "{template.owner}"')
    try:
        yield PodDatabase(
            name,
            server.url(name, template.name, template.password),
            server.url(name, template.owner, template.password),
            server.url(name),
        )
    finally:
        await _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _template_of(server: PostgresAddress, service_dir: Path) -> _Template:
    key = (server.url(), service_dir)
    if key not in _templates:
        _templates[key] = await _make(server, service_dir)
    return _templates[key]


async def _make(server: PostgresAddress, service_dir: Path) -> _Template:
    # The pod's role has the database's name, as in a real installation: the migration grants by it.
    name = f"{service_dir.name}-{secrets.token_hex(3)}"
    template = _Template(name, secrets.token_hex(12), f"{name}-owner")
    rights = f"LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{template.password}'"
    for role in (template.name, template.owner):
        await _administer(server, f'CREATE ROLE "{role}" {rights}')
    await _administer(server, f'GRANT "{template.owner}" TO CURRENT_USER')
    await _administer(server, f'CREATE DATABASE "{name}" OWNER "{template.owner}"')
    await _administer(server, f'ALTER SCHEMA public OWNER TO "{template.owner}"', database=name)
    owner_url = server.url(name, template.owner, template.password)
    await asyncio.to_thread(migrating.upgrade, service_dir, owner_url)
    return template


async def _administer(server: PostgresAddress, statement: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(server.url(database), timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
