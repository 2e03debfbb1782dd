"""Ports on the loopback address."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"
_claims: dict[int, int] = {}


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
    """The preferred port, or the next one above that is neither busy nor taken nor claimed.

    It is claimed until this process ends: between choosing a port and listening on it, another stack that starts at the
    same moment chooses another one.
    """
    reserved = set(taken)
    for port in range(preferred, preferred + 400):
        if port not in reserved and is_free(port) and _claimed(port):
            return port
    return free_port()


def _claimed(port: int) -> bool:
    """Whether this process, and no other of this user, has the port's lock file."""
    if port in _claims:
        return True
    folder = Path(tempfile.gettempdir()) / f"machi-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    _claims[port] = lock
    return True


def answers(port: int, timeout: float = 0.5) -> bool:
    """True when something accepts connections on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout):
            return True
    except OSError:
        return False
