"""The runtime's tables change with a new number of their shape, and no pod passes its check before it has followed."""

import hashlib
from pathlib import Path
from typing import cast

import pytest
from alembic.util.exc import CommandError
from sqlalchemy import create_mock_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from machi_sdk.migrating import RUNTIME_SHAPE, check, create_runtime_tables, upgrade, upgrade_runtime_tables
from machi_sdk.migrating_job import Refused, revision

SHAPES = {2: "f3624bf0790903fc"}


class Written:
    """A migration's `op` that writes down what a database would be told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def get_bind(self) -> Connection:
        """A connection to nowhere."""
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        told = create_mock_engine(
            "postgresql://", lambda element, *_, **__: self.execute(str(element.compile(dialect=dialect)))
        )
        return cast("Connection", told)

    def execute(self, sqltext: str, /) -> None:
        """One statement."""
        self.said.append(sqltext)


def test_another_shape_of_the_runtimes_tables_has_another_number() -> None:
    """Red? Raise RUNTIME_SHAPE, write the new digest here, and give every pod a migration that says the number."""
    written = Written()
    create_runtime_tables(written)
    digest = hashlib.sha256("\n".join(sorted(written.said)).encode()).hexdigest()
    assert {RUNTIME_SHAPE: digest[:16]} == SHAPES


def test_a_pod_without_a_migration_for_the_present_shape_is_named(tmp_path: Path) -> None:
    versions = tmp_path / "idea-box" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_ideas.py").write_text("upgrade_runtime_tables(op)")
    with pytest.raises(CommandError, match=rf"^idea-box keeps .*: add a migration with .*shape={RUNTIME_SHAPE}\)"):
        check(tmp_path / "idea-box", "postgresql://nobody")


def test_a_migration_for_a_newer_sdk_is_refused() -> None:
    with pytest.raises(ValueError, match=f"knows shape {RUNTIME_SHAPE} .*, the migration wants {RUNTIME_SHAPE + 1}"):
        upgrade_runtime_tables(Written(), shape=RUNTIME_SHAPE + 1)


def test_an_owners_address_says_how_to_speak_to_the_server(tmp_path: Path) -> None:
    """No server listens at port 1: it was asked, so the words behind the address were understood."""
    (tmp_path / "migrations").mkdir()
    env = "from sqlalchemy import MetaData\nfrom machi_sdk.migrating import run_env\nrun_env(MetaData())\n"
    (tmp_path / "migrations" / "env.py").write_text(env)
    with pytest.raises(OSError, match="Connect call failed"):
        upgrade(tmp_path, "postgresql://owner@127.0.0.1:1/toy?sslmode=disable")


async def test_words_in_an_owners_address_that_nobody_knows_are_said_at_once() -> None:
    with pytest.raises(Refused, match=r"^toy at 127\.0\.0\.1:1 as owner cannot be .*sslmode.*: mend the address"):
        await revision("postgresql://owner@127.0.0.1:1/toy?sslmode=verify", patience=300)
