"""While a platform takes nothing from an account, one delivery at a time tries it, ever more rarely."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from machi_sdk.errors import Unavailable

_FIRST_REST = timedelta(seconds=15)
_LONGEST_REST = timedelta(minutes=2)
_TRIAL = timedelta(seconds=15)  # an attempt is over by then


@dataclass(frozen=True)
class _Rest:
    reason: str
    length: timedelta
    until: datetime
    on_trial: bool = False


class Accounts:
    """By tenant, the accounts from which the platform takes nothing until somebody mends that."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}

    def enter(self, tenant: str, now: datetime) -> None:
        """Go ahead with an attempt; Unavailable while the account rests. After a rest one attempt tries it for all."""
        rest = self._rests.get(tenant)
        if rest is None:
            return
        if now < rest.until:
            raise Unavailable(rest.reason)
        self._rests[tenant] = replace(rest, until=now + _TRIAL, on_trial=True)

    def closed(self, tenant: str, reason: str, now: datetime) -> None:
        """Let the account rest: the platform takes nothing from it."""
        rest = self._rests.get(tenant)
        if rest is not None and not rest.on_trial:
            return  # said of an attempt that began before the rest
        length = _FIRST_REST if rest is None else min(rest.length * 2, _LONGEST_REST)
        self._rests[tenant] = _Rest(reason, length, now + length)

    def opened(self, tenant: str) -> None:
        """Let all go on: the platform took something from the account."""
        self._rests.pop(tenant, None)
