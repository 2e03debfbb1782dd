"""LINE's Messaging API over one HTTP session; bodies come from the official models, statuses are ours to judge."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
import orjson

from machi_channel_line.adapters.judging import DENIED, NOT_READY, judge, judge_reply
from machi_channel_line.ports import MONTHLY_LIMIT, NO_PUSHES, Body, Pushing, Replied
from machi_channel_line.rendering.plain import in_plain_words
from machi_sdk.conversation.downloads import download
from machi_sdk.deliveries import Accepted, NotTaken, Outcome, Refused, Unclear
from machi_sdk.errors import Unavailable
from machi_sdk.settings import LineSettings
from machi_sdk.telemetry import get_logger, histogram, span

CALL = aiohttp.ClientTimeout(total=3.0, connect=1.5)
UPLOAD = aiohttp.ClientTimeout(total=15.0, connect=3.0)

R = TypeVar("R", bound=Replied)
_REFUSED = Refused("platform-400")
_NO_PUSHES = (NotTaken(MONTHLY_LIMIT), NotTaken(NO_PUSHES))
log = get_logger()


@dataclass(frozen=True)
class Request:
    """One call: a short name for metrics, where, and what."""

    call: str
    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: aiohttp.ClientTimeout = CALL


class LineApi:
    """One account."""

    def __init__(self, session: aiohttp.ClientSession, settings: LineSettings) -> None:
        self._session = session
        self._settings = settings
        self.takes_pushes = True

    async def reply(self, token: str, messages: Sequence[Body]) -> Replied:
        """Answer by reply token, which a refused message leaves as it was; replies take no retry key."""

        def request(bodies: Sequence[Body]) -> Request:
            return self._json("reply", "/v2/bot/message/reply", {"replyToken": token, "messages": list(bodies)})

        return await self._send_anyhow(request, messages, judge_reply)

    async def push(self, push: Pushing) -> Outcome:
        """Write to a person; the same retry key never reaches them twice."""

        def request(bodies: Sequence[Body]) -> Request:
            body = {"to": push.address, "messages": list(bodies), "notificationDisabled": push.quiet}
            return self._json("push", "/v2/bot/message/push", body, {"X-Line-Retry-Key": push.retry_key})

        outcome = await self._send_anyhow(request, push.messages, judge)
        if outcome == Accepted():
            self.takes_pushes = True
        elif outcome in _NO_PUSHES:
            self.takes_pushes = False
        return outcome

    async def link_menu(self, address: str, menu_id: str) -> Outcome:
        """Show a rich menu to one person."""
        url = f"{self._settings.api_url}/v2/bot/user/{address}/richmenu/{menu_id}"
        return await self._send(Request("link-menu", "POST", url), judge)

    async def create_menu(self, menu: Body) -> str:
        """Make a menu; returns its id. Unavailable when LINE did not take it."""
        answer = await self._answered(self._json("create-menu", "/v2/bot/richmenu", menu))
        return str(answer.get("richMenuId", ""))

    async def draw_menu(self, menu_id: str, png: bytes) -> None:
        """Give a menu its picture."""
        url = f"{self._settings.data_api_url}/v2/bot/richmenu/{menu_id}/content"
        await self._answered(Request("draw-menu", "POST", url, png, {"Content-Type": "image/png"}, UPLOAD))

    async def default_menu(self, menu_id: str) -> None:
        """Show a menu to everyone without an own one."""
        url = f"{self._settings.api_url}/v2/bot/user/all/richmenu/{menu_id}"
        await self._answered(Request("default-menu", "POST", url))

    async def delete_menu(self, menu_id: str) -> None:
        """Remove a menu; one that is gone already is fine."""
        url = f"{self._settings.api_url}/v2/bot/richmenu/{menu_id}"
        await self._answered(Request("delete-menu", "DELETE", url), gone_is_fine=True)

    async def menus(self) -> dict[str, str]:
        """Every menu of the account: id to name."""
        answer = await self._answered(Request("list-menus", "GET", f"{self._settings.api_url}/v2/bot/richmenu/list"))
        found = answer.get("richmenus")
        menus = [menu for menu in found if isinstance(menu, dict)] if isinstance(found, list) else []
        return {str(menu.get("richMenuId")): str(menu.get("name")) for menu in menus}

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        """Content type and bytes.

        NoPhoto when gone or of another kind, DownloadFailed when it may come later, Unavailable until it is mended.
        """
        url = f"{self._settings.data_api_url}/v2/bot/message/{content_id}/content"
        return await download(self._session, url, self._authorized({}), later=(NOT_READY,), denied=DENIED)

    def _json(self, call: str, path: str, body: Body, headers: Mapping[str, str] | None = None) -> Request:
        typed = {"Content-Type": "application/json", **(headers or {})}
        return Request(call, "POST", f"{self._settings.api_url}{path}", orjson.dumps(body), typed)

    def _authorized(self, headers: Mapping[str, str]) -> dict[str, str]:
        token = self._settings.channel_access_token.get_secret_value()
        return {**headers, "Authorization": f"Bearer {token}"}

    async def _answered(self, request: Request, *, gone_is_fine: bool = False) -> Mapping[str, object]:
        try:
            status, body = await self._exchange(request)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("line-not-reached") from error
        if status >= 300 and not (gone_is_fine and status == 404):
            log.warning("LINE refused", call=request.call, status=status)
            raise Unavailable(f"platform-{status}")
        return _object(body)

    async def _send_anyhow(
        self, request: Callable[[Sequence[Body]], Request], messages: Sequence[Body], judged: Callable[[int, str], R]
    ) -> R | NotTaken | Unclear:
        """Send messages; of those that LINE refuses for what is in them the plain words."""
        outcome = await self._send(request(messages), judged)
        if outcome != _REFUSED:
            return outcome
        plain = in_plain_words(messages)
        return outcome if plain in ([], messages) else await self._send(request(plain), judged)

    async def _send(self, request: Request, judged: Callable[[int, str], R]) -> R | NotTaken | Unclear:
        try:
            status, body = await self._exchange(request)
        except aiohttp.ClientConnectorError:
            return NotTaken("not-connected")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Unclear(type(error).__name__)
        outcome = judged(status, str(_object(body).get("message", "")))
        if isinstance(outcome, Refused):
            log.error("LINE refused", call=request.call, status=status, places=_places(_object(body)))
        return outcome

    async def _exchange(self, request: Request) -> tuple[int, bytes]:
        started, outcome = time.perf_counter(), "lost"
        try:
            with span(f"line {request.call}"):
                async with self._session.request(
                    request.method,
                    request.url,
                    data=request.body,
                    headers=self._authorized(request.headers),
                    timeout=request.timeout,
                    allow_redirects=False,
                ) as response:
                    body = await response.read()
                    outcome = str(response.status)
                    return response.status, body
        finally:
            elapsed = time.perf_counter() - started
            histogram("machi_channel_requests_seconds").labels("line", request.call, outcome).observe(elapsed)


def _object(body: bytes) -> Mapping[str, object]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _places(body: Mapping[str, object]) -> list[str]:
    """Which properties LINE names; never its words, which may quote ours."""
    details = body.get("details")
    named = (
        [detail.get("property") for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    )
    return [str(place)[:80] for place in named]
