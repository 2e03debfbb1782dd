"""One request to the Slack API: measured, and every way it can end given a name."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from machi_channel_slack.domain.nodes import Json
from machi_channel_slack.ports import SlackLimited, SlackRefused, SlackUncertain
from machi_sdk.errors import MachiError
from machi_sdk.telemetry import histogram

T = TypeVar("T")

SECONDS = 8.0
# Slack's own words for "perhaps", or "not now": https://docs.slack.dev/reference/methods
_PERHAPS = {
    *("external_channel_migrating", "fatal_error", "internal_error", "request_timeout", "service_unavailable"),
    *("team_added_to_org", "update_failed"),
}
logging.getLogger("slack_sdk").setLevel(logging.ERROR)


class Calls:
    """Requests to one workspace; a method that Slack wants left alone rests for all who would use it.

    Each raises SlackRefused, SlackLimited (nothing happened), or SlackUncertain.
    """

    def __init__(self) -> None:
        self._rests: dict[str, float] = {}
        self._scopes: frozenset[str] | None = None

    async def ended(
        self, name: str, request: Coroutine[object, object, AsyncSlackResponse], seconds: float = SECONDS
    ) -> Json:
        """The body of what a method answers."""
        self._let(name, request)
        response = await self._ended(name, _said(name, request), seconds)
        self._scopes = _scopes(response)
        return response.data if isinstance(response.data, dict) else {}

    async def taken(
        self, name: str, request: Coroutine[object, None, aiohttp.ClientResponse], seconds: float = SECONDS
    ) -> None:
        """What was sent to an address that Slack named is there; `name` says what such addresses are for."""
        self._let(name, request)
        await self._ended(name, _taken(name, request), seconds)

    def may(self, scope: str) -> bool:
        """Whether the app was installed with it, by Slack's last answer; True while Slack did not say."""
        return self._scopes is None or scope in self._scopes

    def rest(self, name: str, seconds: float) -> None:
        """Slack wants no such request for so long."""
        self._rests[name] = time.monotonic() + seconds

    def _let(self, name: str, request: Coroutine[Any, Any, object]) -> None:
        left = self._rests.get(name, 0.0) - time.monotonic()
        if left > 0:
            request.close()
            raise SlackLimited(left, name)

    async def _ended(self, name: str, request: Awaitable[T], seconds: float) -> T:
        try:
            return await _measured(name, request, seconds)
        except SlackLimited as error:
            self.rest(name, error.after)
            raise


async def _measured(name: str, request: Awaitable[T], seconds: float) -> T:
    started, outcome = time.perf_counter(), "ok"
    try:
        async with asyncio.timeout(seconds):
            return await request
    except MachiError as error:
        outcome = error.slug
        raise
    except aiohttp.ClientConnectorError as error:
        outcome = "unreachable"
        raise SlackLimited(1.0, name) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        outcome = "uncertain"
        raise SlackUncertain("slack-uncertain") from error
    finally:
        taken = time.perf_counter() - started
        histogram("machi_channel_requests_seconds").labels("slack", name, outcome).observe(taken)


async def _said(name: str, request: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    try:
        return await request
    except SlackApiError as error:
        raise _named(name, error) from error
    except (AttributeError, TypeError, ValueError) as error:  # JSON that is no object: the SDK takes it for one
        raise SlackUncertain("slack-uncertain") from error


async def _taken(name: str, request: Awaitable[aiohttp.ClientResponse]) -> None:
    async with await request as response:
        if response.status == 429:
            raise SlackLimited(_seconds(response.headers.get("Retry-After", "")), name)
        if response.status >= 500:
            raise SlackUncertain("slack-uncertain")
        if response.status >= 400:
            raise SlackRefused(name)


def _named(method: str, error: SlackApiError) -> SlackRefused | SlackLimited | SlackUncertain:
    response = error.response
    status = response.status_code if isinstance(response, AsyncSlackResponse) else getattr(response, "status", 0)
    body = response.data if isinstance(response, AsyncSlackResponse) and isinstance(response.data, dict) else {}
    name = str(body.get("error", ""))
    if status == 429 or name in ("ratelimited", "rate_limited"):
        headers = response.headers if isinstance(response, AsyncSlackResponse) else {}
        return SlackLimited(_seconds(headers.get("Retry-After", headers.get("retry-after", ""))), method)
    if status >= 500 or name in _PERHAPS or not name:
        return SlackUncertain("slack-uncertain")
    return SlackRefused(name)


def _scopes(response: AsyncSlackResponse) -> frozenset[str] | None:
    named = response.headers.get("x-oauth-scopes")
    return None if named is None else frozenset(each.strip() for each in str(named).split(","))


def _seconds(value: object) -> float:
    try:
        return max(float(str(value)), 0.1)
    except ValueError:
        return 1.0
