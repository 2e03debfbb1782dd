"""What a release's migration Job runs: waits for the database, refuses what it does not know, says what it did."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import asyncpg

from machi_sdk import migrating
from machi_sdk.database import plain_url
from machi_sdk.schema import found_in, schema_of
from machi_sdk.settings import WrongSetting, read_settings

_LOOK_SECONDS = 1.0
_VERBS = ("upgrade", "check")
_ROLE = "SELECT FROM pg_roles WHERE rolname = current_database()"
Say = Callable[[str], None]


class Refused(Exception):
    """What is wrong and the cure, for the one line an operator reads."""


class _NoRole(Exception):
    """The pod's role, which is named as its database, is not there yet: an operator may still be making it."""


async def revision(url: str, patience: float) -> str:
    """The database's revision, once it answers and has the pod's role; Refused when it does not in time."""
    until = time.monotonic() + patience
    while True:
        try:
            return await _look(url)
        except asyncpg.InterfaceError as error:
            cure = "mend the address in the Secret's key `<pod>-owner`"
            raise Refused(f"{_place(url)} cannot be asked so: {error}: {cure}") from error
        except (OSError, TimeoutError, asyncpg.PostgresError, _NoRole) as error:
            if time.monotonic() > until:
                raise Refused(_why(url, error)) from error
        await asyncio.sleep(_LOOK_SECONDS)


async def _look(url: str) -> str:
    connection = await asyncpg.connect(plain_url(url), timeout=5, command_timeout=10)
    try:
        if await connection.fetchrow(_ROLE) is None:
            raise _NoRole
        return await found_in(connection)
    finally:
        await connection.close()


def run(verb: str, folder: Path, url: str, patience: float, say: Say) -> None:
    """Upgrade the tables, or check that tables and code agree; Refused says why not."""
    if not url:
        raise Refused("DATABASE_URL is not set: the Secret needs the key `<pod>-owner`, mounted as database_url")
    schema, found = schema_of(folder), asyncio.run(revision(url, patience))
    if schema.newer(found):
        say(f"tables are at {found}, newer than this code's {schema.known}: left as they are, migrations only add")
        return
    if verb == "check":
        migrating.check(folder, url)
        return
    refused = migrating.refusal(folder, url)
    if refused:
        raise Refused(f"the migration was undone, nothing changed: {refused}; try again when the city is calm")
    say(f"tables: {found or 'none'} -> {schema.known}")


def _why(url: str, error: Exception) -> str:
    if isinstance(error, _NoRole):
        return f"{_place(url)} has no role of the database's name, which the pod has and the tables are granted to"
    return f"{_place(url)} does not let us in: {error or type(error).__name__}"


def _place(url: str) -> str:
    parts = urlsplit(plain_url(url))
    return f"{parts.path.lstrip('/')} at {parts.hostname}:{parts.port or 5432} as {parts.username}"


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _end(words: str) -> NoReturn:
    sys.stderr.write(f"✗ {words}\n")
    sys.exit(1)


def main() -> None:
    """`upgrade` or `check` the service in the present folder."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in _VERBS:
        _end(f"say one of: {', '.join(_VERBS)}")
    try:
        settings = read_settings()
        run(verb, Path.cwd(), settings.database_url, settings.machi_database_patience, _say)
    except (Refused, WrongSetting) as error:
        _end(str(error))


if __name__ == "__main__":
    main()
