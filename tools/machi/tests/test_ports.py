"""Ports are chosen so that nobody's server is in the way."""

import socket
import subprocess
import sys

from machi_tools.embedded import ports


def listening() -> socket.socket:
    server = socket.create_server((ports.LOOPBACK, 0))
    server.listen(1)
    return server


def test_a_busy_port_gives_the_next_free_one() -> None:
    with listening() as server:
        busy = server.getsockname()[1]
        chosen = ports.next_free(busy, taken=[busy + 1])
        assert chosen not in (busy, busy + 1)
        assert ports.is_free(chosen)
        assert ports.answers(busy)


def test_a_free_port_is_taken_as_asked() -> None:
    wanted = ports.free_port()
    assert ports.next_free(wanted) == wanted
    assert not ports.answers(wanted)


def test_two_who_choose_at_the_same_moment_choose_differently() -> None:
    wanted = ports.free_port()
    program = f"from machi_tools.embedded import ports; print(ports.next_free({wanted}), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert int(other.stdout.readline()) == wanted
        assert ports.next_free(wanted) != wanted
        other.communicate("\n")
    assert ports.next_free(wanted) == wanted
