"""One database and two roles per pod: the owner migrates, the pod itself only reads and writes rows."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from machi_tools.embedded.given import GivenPostgres, PostgresAddress, check_address
from machi_tools.errors import StackError, reason

PRIVILEGES = (
    'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC',
    'GRANT CONNECT ON DATABASE "{name}" TO "{name}"',
    'ALTER SCHEMA public OWNER TO "{name}-owner"',
    'GRANT USAGE ON SCHEMA public TO "{name}"',
)
Administrator: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Words(Protocol):
    """Passwords by name."""

    def word(self, name: str) -> str:
        """The same at every call."""
        ...

    def knows(self, name: str) -> bool:
        """Whether there is one already: what has none was not made by this stack."""
        ...


@dataclass(frozen=True)
class Databases:
    """The databases of one stack on one server."""

    server: PostgresAddress
    secrets: Words

    def pod_url(self, pod: str) -> str:
        """The pod's own address, without the right to change tables."""
        return self.server.url(pod, pod, self.secrets.word(f"database {pod}"))

    def owner_url(self, pod: str) -> str:
        """The migrating owner's address."""
        return self.server.url(pod, f"{pod}-owner", self.secrets.word(f"database {pod}-owner"))

    async def ensure(self, pods: list[str]) -> None:
        """Create what is missing, nothing where a name is taken; names of checked manifests are safe in quotes."""
        connection = await self._administrator("postgres")
        try:
            existing = await _owners(connection)
            await self._refuse_strangers(connection, pods, existing)
            for pod in pods:
                await self._roles(connection, pod)
                if pod not in existing:
                    await connection.execute(f'CREATE DATABASE "{pod}" OWNER "{pod}-owner"')
            for pod in pods:
                await self._privileges(pod)
                await connection.execute(f'ALTER ROLE "{pod}-owner" LOGIN; ALTER ROLE "{pod}" LOGIN')
        except asyncpg.PostgresError as error:
            cure = "the role of DATABASE_URL needs CREATEDB and CREATEROLE; then try again"
            raise StackError(f"PostgreSQL refuses to make the pods' databases: {error}", cure) from error
        finally:
            await connection.close()

    async def drop(self, pods: list[str]) -> None:
        """Delete the pods' databases and roles of a server that others run; a database with another owner stays."""
        connection = await self._administrator("postgres")
        try:
            existing = await _owners(connection)
            for pod in pods:
                if existing.get(pod) == f"{pod}-owner":
                    await connection.execute(f'DROP DATABASE "{pod}" WITH (FORCE)')
                await connection.execute(f'DROP ROLE IF EXISTS "{pod}", "{pod}-owner"')
        except asyncpg.PostgresError as error:
            raise StackError(f"PostgreSQL keeps a pod's data: {error}", "mend what it says, then try again") from error
        finally:
            await connection.close()

    async def _refuse_strangers(self, connection: Administrator, pods: list[str], existing: dict[str, str]) -> None:
        known = await _names(connection)
        taken = [
            f"the database {pod} of {existing[pod]}"
            for pod in pods
            if existing.get(pod, "") not in ("", f"{pod}-owner")
        ]
        roles = known.intersection(name for pod in pods for name in (pod, f"{pod}-owner"))
        taken += [f"the role {role}" for role in sorted(roles) if not self.secrets.knows(f"database {role}")]
        if taken:
            what = f"the server of DATABASE_URL has what this stack did not make: {', '.join(taken)}"
            cure = "name a server where these names are free; or, if nobody needs them, drop them there yourself"
            raise StackError(f"{what}; nothing was changed", cure)

    async def _roles(self, connection: Administrator, pod: str) -> None:
        known = await _names(connection)
        for role in (f"{pod}-owner", pod):
            # Nobody comes in before the privileges are set: a migration that waits for its database would meet them.
            word = self.secrets.word(f"database {role}")
            # Who is no superuser may not even say of a role that is there that it is none.
            verb, rights = ("ALTER", "") if role in known else ("CREATE", "NOSUPERUSER NOBYPASSRLS ")
            await connection.execute(f"{verb} ROLE \"{role}\" {rights}PASSWORD '{word}'")
        await connection.execute(f'GRANT "{pod}-owner" TO CURRENT_USER')

    async def _privileges(self, pod: str) -> None:
        connection = await self._administrator(pod)
        try:
            for statement in PRIVILEGES:
                await connection.execute(statement.format(name=pod))
        finally:
            await connection.close()

    async def _administrator(self, database: str) -> Administrator:
        try:
            return await asyncpg.connect(self.server.url(database), timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise StackError(f"PostgreSQL refuses the administrator: {reason(error)}", "check DATABASE_URL") from error


async def _owners(connection: Administrator) -> dict[str, str]:
    """Each database's owner."""
    found = await connection.fetch("SELECT datname, pg_get_userbyid(datdba) AS owner FROM pg_database")
    return {row["datname"]: row["owner"] for row in found}


async def _names(connection: Administrator) -> set[str]:
    """Of all roles."""
    return {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}


def given_server(url: str) -> GivenPostgres:
    """The server behind DATABASE_URL."""
    check_address(url)
    return GivenPostgres(url)


def without_password(url: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{who.partition(':')[0]}{at}{where}"))
