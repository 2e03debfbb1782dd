"""Asks a platform one question with a pod's own token; its answer tells its clock, too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import aiohttp

from machi_sdk.clock import Clock
from machi_tools.errors import reason

PATIENCE = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True)
class Heard:
    """A platform's answer: status 0 when none came; `skew` says how far its clock is ahead.

    `scopes` are what Slack says the token may do; None when it does not say.
    """

    status: int
    body: Mapping[str, object] = field(default_factory=dict)
    skew: float | None = None
    trouble: str = ""
    scopes: frozenset[str] | None = None

    def text(self, name: str) -> str:
        """One value of the answer as text; empty when it is not there."""
        value = self.body.get(name)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class Platform:
    """One address of a platform and the token for it."""

    session: aiohttp.ClientSession
    base: str
    token: str
    clock: Clock

    async def ask(self, path: str, method: str = "GET") -> Heard:
        """One question; whatever goes wrong is part of the answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        before = self.clock.now()
        try:
            async with self.session.request(method, self.base + path, headers=headers, timeout=PATIENCE) as response:
                body = _object(await response.read())
                skew = self._skew(response, before.timestamp())
                return Heard(response.status, body, skew, scopes=_scopes(response.headers.get("x-oauth-scopes")))
        except TimeoutError:
            return Heard(0, trouble="no answer within 5 s")
        except (aiohttp.ClientError, OSError) as error:
            return Heard(0, trouble=reason(error))

    def _skew(self, response: aiohttp.ClientResponse, before: float) -> float | None:
        """The Date header beside the middle of the exchange; it has whole seconds, so half of one is added."""
        try:
            theirs = parsedate_to_datetime(response.headers.get("Date", "")).timestamp() + 0.5
        except ValueError:
            return None
        return theirs - (before + self.clock.now().timestamp()) / 2


def _scopes(named: str | None) -> frozenset[str] | None:
    return None if named is None else frozenset(each.strip() for each in named.split(","))


def _object(body: bytes) -> Mapping[str, object]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
