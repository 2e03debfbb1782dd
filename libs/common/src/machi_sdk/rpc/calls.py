"""The call being answered, and the metadata that carries it."""

from contextvars import ContextVar
from dataclasses import dataclass

import grpc

from machi_sdk.errors import Conflict, Denied, Invalid, MachiError, Missing, Unavailable

TOKEN = "authorization"  # noqa: S105 (the name of a header)
TENANT = "machi-tenant"
SLUG = "machi-error"
# How often a connection that is in use and brings nothing is asked whether its other end is still there.
KEEPALIVE_MS = 20_000
# More than the longest deadline, a photo's: what was begun on a connection that is to be renewed comes to its end.
LONGEST_CALL_MS = 130_000

STATUS_OF: dict[type[MachiError], grpc.StatusCode] = {
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    Missing: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.ABORTED,
    Denied: grpc.StatusCode.PERMISSION_DENIED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}
KIND_OF: dict[grpc.StatusCode, type[MachiError]] = {
    **{status: kind for kind, status in STATUS_OF.items()},
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Unavailable,
    grpc.StatusCode.UNAUTHENTICATED: Denied,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: Conflict,
    grpc.StatusCode.OUT_OF_RANGE: Invalid,
    # A bug in the callee may be mended by the next release: what waits for it must not be lost.
    grpc.StatusCode.INTERNAL: Unavailable,
    grpc.StatusCode.UNKNOWN: Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: Unavailable,
}


def status_of(error: MachiError) -> grpc.StatusCode:
    """The status an error travels as."""
    return next(status for kind, status in STATUS_OF.items() if isinstance(error, kind))


@dataclass(frozen=True)
class Call:
    """Who calls (a pod, or "operator") and for which tenant; both authenticated, never from the request body."""

    caller: str
    tenant: str


_current: ContextVar[Call] = ContextVar("machi_call")


def current_call() -> Call:
    """The call being answered; LookupError outside a servicer."""
    return _current.get()


def enter_call(call: Call) -> None:
    """Make `call` the one being answered in this task."""
    _current.set(call)


def for_tenant(tenant: str) -> tuple[tuple[str, str], ...]:
    """Metadata that names the tenant of a call."""
    return ((TENANT, tenant),)
