"""Ports on the loopback address."""

import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """True when a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port of the system's choice that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def next_free(preferred: int, taken: Iterable[int] = ()) -> int:
    """The preferred port, or the next one above that is neither busy nor taken."""
    reserved = set(taken)
    for port in range(preferred, preferred + 400):
        if port not in reserved and is_free(port):
            return port
    return free_port()


def answers(port: int, timeout: float = 0.5) -> bool:
    """True when something accepts connections on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout):
            return True
    except OSError:
        return False
