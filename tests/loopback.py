"""Tests reach this machine and nothing else: whoever connects further is told so.

Only sockets of this process that Python itself connects are seen, asyncio's among them. gRPC's core and uvloop connect
below Python; programs that tests start (node, Chromium, git) are processes of their own.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Address = tuple[object, ...] | str | bytes
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_GIVEN = ("MACHI_TEST_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")


class NetworkError(RuntimeError):
    """A test wanted to leave the machine; no OSError, which much code takes for a server that is away."""


@contextmanager
def loopback_only() -> Iterator[None]:
    """While it lasts, sockets connect to this machine and to the servers that the environment gives to tests."""
    allowed = given_hosts()
    real, real_ex = socket.socket.connect, socket.socket.connect_ex
    socket.socket.connect = guarded(real, allowed)  # type: ignore[method-assign]  # that is the guard
    socket.socket.connect_ex = guarded(real_ex, allowed)  # type: ignore[method-assign]  # as above
    try:
        yield
    finally:
        socket.socket.connect = real  # type: ignore[method-assign]  # as before
        socket.socket.connect_ex = real_ex  # type: ignore[method-assign]  # as before


def guarded(connect: Callable[[socket.socket, Address], T], allowed: frozenset[str]) -> Callable[..., T]:
    """A way to connect that raises NetworkError for hosts elsewhere that are not allowed."""

    def checked(self: socket.socket, address: Address) -> T:
        host = str(address[0]) if self.family in _FAMILIES and isinstance(address, tuple) else ""
        if not is_here(host) and host not in allowed:
            self.close()  # who expects an OSError would leave it open
            raise NetworkError(f"a test connects to {host}, and tests reach only this machine (tests/loopback.py)")
        return connect(self, address)

    return checked


def given_hosts() -> frozenset[str]:
    """Servers that are used instead of those that tests start, by name and by address."""
    urls = [each if "//" in each else f"//{each}" for name in _GIVEN for each in os.environ.get(name, "").split(",")]
    names = {host for url in urls if (host := urlsplit(url).hostname)}
    found = {str(info[4][0]) for name in names if not is_here(name) for info in socket.getaddrinfo(name, None)}
    return frozenset(names | found)


def is_here(host: str) -> bool:
    """Whether a host is this machine by its address, or by the one name that needs no looking up."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host in ("", "localhost")
    return address.is_loopback or address.is_unspecified
