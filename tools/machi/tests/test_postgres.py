"""The embedded PostgreSQL is a real one and survives what servers have to survive."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from machi_tools.embedded import unprivileged
from machi_tools.embedded.postgres import PostgresServer
from machi_tools.errors import StackError

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "postgres").start()
    yield server
    server.destroy()


async def count_notes(server: PostgresServer) -> int:
    connection = await asyncpg.connect(server.url())
    try:
        return int(await connection.fetchval("SELECT count(*) FROM note"))
    finally:
        await connection.close()


async def write_note(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE TABLE IF NOT EXISTS note (words text)")
    await connection.execute("INSERT INTO note VALUES ('道路が壊れています')")
    await connection.close()


async def test_it_speaks_unicode_and_has_the_extensions(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url())
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    assert await connection.fetchval("SELECT lower('ÀÉ')") == "àé"
    await connection.execute("CREATE EXTENSION btree_gist; CREATE EXTENSION pgcrypto")
    assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
    await connection.close()


async def test_committed_rows_survive_a_restart_and_a_kill(server: PostgresServer) -> None:
    await write_note(server)
    port = server.port
    server.restart()
    assert await count_notes(server) == 1
    server.kill()
    assert server.pid is None
    server.start()
    assert (server.port, await count_notes(server)) == (port, 1)


async def test_data_whose_password_is_gone_is_kept_and_never_taken_for_a_new_folder(server: PostgresServer) -> None:
    await write_note(server)
    server.stop()
    word = server._password_file.read_text()
    server._password_file.unlink()
    if server._data == server.folder:
        with pytest.raises(StackError, match="is missing"):
            server.start()
        return
    server.start()
    left = server._data.with_name(f"{server._data.name}.left")
    assert (left / "PG_VERSION").exists()
    assert server.password != word
    shutil.rmtree(left)


async def test_a_kill_under_open_sessions_can_be_healed(server: PostgresServer) -> None:
    await write_note(server)
    sessions = [await asyncpg.connect(server.url()) for _ in range(5)]
    server.kill()
    server.start()
    assert await count_notes(server) == 1
    for session in sessions:
        session.terminate()


async def test_what_a_shell_says_of_other_servers_is_not_said_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")
    own = PostgresServer(tmp_path / "own").start()
    try:
        await write_note(own)
        assert await count_notes(own) == 1
    finally:
        own.destroy()


def test_a_server_starts_whatever_root_lets_others_see(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        own = PostgresServer(tmp_path / "x" / "own").start()
    finally:
        os.umask(before)
    own.destroy()


def test_what_only_root_s_group_may_enter_is_out_of_reach() -> None:
    open_to_all = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        open_to_all.chmod(0o755)
        assert unprivileged.reachable(open_to_all)
        open_to_all.chmod(0o750)
        assert unprivileged.reachable(open_to_all) == (unprivileged.account() is None)
    finally:
        open_to_all.rmdir()


def test_a_port_that_answers_is_not_proof(server: PostgresServer, tmp_path: Path) -> None:
    other = PostgresServer(tmp_path / "other").start()
    try:
        mine, other.port = other.port, server.port
        assert not other.is_ours()
        other.port = mine
        assert other.is_ours()
    finally:
        other.destroy()


def test_a_busy_port_is_told(server: PostgresServer, tmp_path: Path) -> None:
    second = PostgresServer(tmp_path / "second", port=server.port)
    with pytest.raises(StackError, match="did not start") as told:
        second.start(timeout=5)
    assert told.value.log is not None
    second.destroy()


def test_an_interrupted_first_start_is_made_anew(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    unfinished = server._data.with_name(f"{server._data.name}.unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("17\n")
    try:
        assert server.start().is_ours()
    finally:
        server.destroy()


def test_a_tree_out_of_reach_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if unprivileged.account() is None:
        assert unprivileged.readable_tree(tmp_path, "copy") == tmp_path
        return
    tree = tmp_path / "hidden" / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "postgres").touch(mode=0o755)
    (tmp_path / "hidden").chmod(0o700)
    shelter = unprivileged.SHELTER / "test-shelter"
    monkeypatch.setattr(unprivileged, "SHELTER", shelter)
    try:
        copy = unprivileged.readable_tree(tree, "copy")
        assert copy == shelter / "copy"
        assert unprivileged.reachable(copy / "bin" / "postgres")
        assert unprivileged.readable_tree(tree, "copy") == copy
    finally:
        shutil.rmtree(shelter)
