"""Whatever connects through Python's sockets stays on this machine."""

import asyncio
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.loopback import NetworkError, given_hosts, guarded, is_here

# Addresses for documentation: nobody answers there.
ELSEWHERE, ELSEWHERE_6 = "192.0.2.1", "2001:db8::1"


def test_a_socket_does_not_leave_the_machine() -> None:
    with socket.socket() as away, pytest.raises(NetworkError, match=f"connects to {ELSEWHERE}"):
        away.connect((ELSEWHERE, 80))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as away, pytest.raises(NetworkError):
        away.connect_ex((ELSEWHERE, 53))
    with socket.socket(socket.AF_INET6) as away, pytest.raises(NetworkError, match=ELSEWHERE_6):
        away.connect((ELSEWHERE_6, 80, 0, 0))


def test_a_client_of_http_does_not_leave_the_machine() -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(NetworkError):
        opener.open(f"http://{ELSEWHERE}/", timeout=1)


async def test_asyncio_does_not_leave_the_machine() -> None:
    with pytest.raises(NetworkError):
        await asyncio.open_connection(ELSEWHERE, 80)


async def test_this_machine_is_reached_by_address_and_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            _, writer = await asyncio.open_connection(host, server.getsockname()[1])
            writer.close()
            await writer.wait_closed()


def test_a_socket_in_the_file_system_is_on_this_machine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


@pytest.mark.parametrize(
    ("host", "here"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", True), ("localhost", True)),
        *((ELSEWHERE, False), (ELSEWHERE_6, False), ("fe80::1%eth0", False), ("db", False), ("localhost.evil", False)),
    ],
)
def test_what_this_machine_is(host: str, here: bool) -> None:
    assert is_here(host) is here


def test_a_server_that_was_given_is_no_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACHI_TEST_DATABASE_URL", f"postgresql://postgres:secret@{ELSEWHERE}:5432/postgres")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:9092,[{ELSEWHERE_6}]:9092")
    assert given_hosts() == {ELSEWHERE, ELSEWHERE_6, "127.0.0.1"}
    connect = guarded(lambda _, address: address, given_hosts())
    with socket.socket() as away:
        assert connect(away, (ELSEWHERE, 5432)) == (ELSEWHERE, 5432)
        with pytest.raises(NetworkError):
            connect(away, ("192.0.2.2", 5432))
