"""One request to the Slack API: measured, and every way it can end given a name."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from machi_channel_slack.ports import SlackLimited, SlackRefused, SlackUncertain
from machi_sdk.telemetry import histogram

Json = dict[str, object]
SECONDS = 8.0
# Slack's own words for "perhaps", or "not now": https://docs.slack.dev/reference/methods
_PERHAPS = {
    *("external_channel_migrating", "fatal_error", "internal_error", "request_timeout", "service_unavailable"),
    *("team_added_to_org", "update_failed"),
}
logging.getLogger("slack_sdk").setLevel(logging.ERROR)


class Calls:
    """Requests to one workspace; a method that Slack wants left alone rests for all who would use it."""

    def __init__(self) -> None:
        self._rests: dict[str, float] = {}

    async def ended(
        self, name: str, request: Coroutine[object, object, AsyncSlackResponse], seconds: float = SECONDS
    ) -> Json:
        """The answer's body. Raises SlackRefused, SlackLimited (nothing happened), or SlackUncertain."""
        left = self._rests.get(name, 0.0) - time.monotonic()
        if left > 0:
            request.close()
            raise SlackLimited(left, name)
        try:
            return await _ended(name, request, seconds)
        except SlackLimited as error:
            self.rest(name, error.after)
            raise

    def rest(self, name: str, seconds: float) -> None:
        """Slack wants no such request for so long."""
        self._rests[name] = time.monotonic() + seconds


async def _ended(name: str, request: Awaitable[AsyncSlackResponse], seconds: float) -> Json:
    started, outcome = time.perf_counter(), "ok"
    try:
        async with asyncio.timeout(seconds):
            response = await request
    except SlackApiError as error:
        raised = _named(name, error)
        outcome = raised.slug
        raise raised from error
    except aiohttp.ClientConnectorError as error:
        outcome = "unreachable"
        raise SlackLimited(1.0, name) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        outcome = "uncertain"
        raise SlackUncertain("slack-uncertain") from error
    finally:
        taken = time.perf_counter() - started
        histogram("machi_channel_requests_seconds").labels("slack", name, outcome).observe(taken)
    return response.data if isinstance(response.data, dict) else {}


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


def _seconds(value: object) -> float:
    try:
        return max(float(str(value)), 0.1)
    except ValueError:
        return 1.0
