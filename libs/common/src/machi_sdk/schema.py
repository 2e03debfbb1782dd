"""Which tables the code knows, and which the database has: a pod never migrates, it says what is missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_CURE = "run the release's migrations (`python -m machi_sdk.migrating_job upgrade`)"
_VERSION = "SELECT to_regclass('public.alembic_version') IS NOT NULL"


class Asked(Protocol):
    """A connection, as far as it is asked here."""

    async def fetchval(self, query: str) -> object:
        """The first value of the first row."""
        ...


@dataclass(frozen=True)
class Schema:
    """The newest revision in a folder of migrations, whose files begin with their revision; empty without any."""

    known: str

    def trouble(self, found: str) -> str | None:
        """Why the code cannot work on what was found; newer tables are fine, as migrations only add."""
        if not self.known or found >= self.known:
            return None
        have = f"at {found}, older than this code's {self.known}" if found else f"missing, this code wants {self.known}"
        return f"tables are {have}: {_CURE}"

    def newer(self, found: str) -> bool:
        """Whether a newer release migrated the tables."""
        return bool(self.known) and found > self.known


def schema_of(service_dir: Path) -> Schema:
    """What a service's folder brings."""
    names = [path.name.partition("_")[0] for path in (service_dir / "migrations" / "versions").glob("[0-9]*_*.py")]
    return Schema(max(names, default=""))


async def found_in(connection: Asked) -> str:
    """The database's revision; empty when it was never migrated."""
    if not await connection.fetchval(_VERSION):
        return ""
    return str(await connection.fetchval("SELECT max(version_num) FROM alembic_version") or "")
