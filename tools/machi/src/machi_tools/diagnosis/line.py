"""Asks LINE whether it knows the token, where it sends webhooks, and which rich menus it shows."""

from collections.abc import Collection
from dataclasses import dataclass

import aiohttp
import asyncpg

from machi_sdk.settings import LineSettings
from machi_tools.diagnosis.asking import Heard, Platform
from machi_tools.diagnosis.findings import Look
from machi_tools.errors import StackError
from machi_tools.rows import Rows
from machi_tools.stack.state import State

POD = "channel-line"
WEBHOOK = "/line/webhook"
CONSOLE = "in the LINE Developers Console"
_LIVE = "SELECT language, menu_id FROM menus WHERE state = 'live'"


@dataclass(frozen=True)
class Account:
    """One tenant's account at LINE, and the addresses at which its webhooks reach us."""

    tenant: str
    settings: LineSettings
    webhooks: Collection[str]


async def look_at_line(account: Account, platform: Platform, rows: Rows) -> tuple[float | None, Look]:
    """How far LINE's clock is ahead, and what is wrong with the token, the webhook, or the menus."""
    look = Look()
    heard = await platform.ask("/v2/bot/info")
    if _knows_us(heard, account, look):
        await _look_at_webhook(account, platform, look)
        await _look_at_menus(account, platform, rows, look)
    return heard.skew, look


def _knows_us(heard: Heard, account: Account, look: Look) -> bool:
    tenant, settings = account.tenant, account.settings
    if not heard.status:
        look.wrong(f"LINE at {settings.api_url} does not answer: {heard.trouble}", "check LINE_API_URL")
    elif heard.status in (401, 403):
        cure = f"issue a channel access token {CONSOLE} and set LINE_CHANNEL_ACCESS_TOKEN"
        look.wrong(f"LINE refuses the token of {tenant} ({heard.status})", cure)
    elif heard.status != 200:
        look.note(f"LINE did not say whether the token of {tenant} is good (status {heard.status})")
    elif heard.text("userId") not in ("", settings.bot_user_id):
        cure = "set LINE_BOT_USER_ID to it, else its webhooks are refused"
        look.wrong(f"the LINE token of {tenant} is of account {heard.text('userId')}", cure)
    return heard.status == 200


async def _look_at_webhook(account: Account, platform: Platform, look: Look) -> None:
    heard = await platform.ask("/v2/bot/channel/webhook/endpoint")
    endpoint, ours = heard.text("endpoint"), next(iter(account.webhooks))
    none_is_set = heard.status == 404 or (heard.status == 200 and not endpoint)  # LINE's own answer is 404
    if none_is_set:
        look.wrong(f"LINE has no address for the webhooks of {account.tenant}", f"set it to {ours} {CONSOLE}")
    elif heard.status != 200:
        look.note(f"LINE did not say where the webhooks of {account.tenant} go: see {CONSOLE}")
    elif heard.body.get("active") is False:
        look.wrong(f"LINE sends no webhooks for {account.tenant}", f"switch on 'Use webhook' {CONSOLE}")
    elif _plain(endpoint) not in map(_plain, account.webhooks):
        cure = f"set it to {ours} {CONSOLE}, or correct PUBLIC_URL"
        look.wrong(f"LINE sends the webhooks of {account.tenant} to {endpoint}", cure)
    else:
        tried = await platform.ask("/v2/bot/channel/webhook/test", "POST")
        if tried.body.get("success") is False:
            what = f"LINE does not reach {endpoint}: {tried.text('reason')} {tried.text('detail')}"
            look.wrong(what, f"see that it leads to {POD} from outside, with a certificate LINE trusts")


async def _look_at_menus(account: Account, platform: Platform, rows: Rows, look: Look) -> None:
    """Hold the menus that the pod made for the installed pods against those at LINE."""
    live = await _live_menus(account.tenant, rows)
    listed, default = await platform.ask("/v2/bot/richmenu/list"), await platform.ask("/v2/bot/user/all/richmenu")
    menus = listed.body.get("richmenus")
    if not live or not isinstance(menus, list):
        return
    there = {str(menu.get("richMenuId")) for menu in menus if isinstance(menu, dict)}
    cure = f"restart {POD}: it makes what is missing"
    gone = sorted(language for language, menu in live.items() if menu not in there)
    if gone:
        look.wrong(f"LINE has lost the rich menus of {account.tenant}: {', '.join(gone)}", cure)
    elif default.status in (200, 404) and default.text("richMenuId") not in live.values():
        look.wrong(f"LINE does not show {account.tenant}'s own rich menu to those who chose no language", cure)


async def _live_menus(tenant: str, rows: Rows) -> dict[str, str]:
    try:
        async with rows.connection(POD) as connection:
            await connection.execute("SELECT set_config('machi.tenant', $1, false)", tenant)
            return {row["language"]: row["menu_id"] for row in await connection.fetch(_LIVE)}
    except (StackError, asyncpg.PostgresError):
        return {}  # said elsewhere


async def look_at_redelivery(session: aiohttp.ClientSession, state: State, api_url: str) -> tuple[str, Look]:
    """Whether LINE sends a refused webhook again: its stand-in tells, LINE's interface does not."""
    look, stand_in = Look(), f"http://{state.simulator}"
    if not state.simulator or not api_url.startswith(stand_in):
        look.note(f"LINE does not tell whether it delivers webhooks again: see 'Webhook redelivery' {CONSOLE}")
        return f"unknown: see 'Webhook redelivery' {CONSOLE}", look
    try:
        async with session.get(f"{stand_in}/_control/line/console", timeout=aiohttp.ClientTimeout(total=3)) as response:
            redelivers = (await response.json())["redelivery"]
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return "unknown: the stand-in does not answer", look  # said elsewhere
    if not redelivers:
        cure = "unset SIMULATOR_LINE_REDELIVERY, or switch it on again at /_control/line/console"
        look.wrong("LINE does not deliver a refused webhook again", cure)
    return "on" if redelivers else "off", look


def webhook_addresses(state: State, public_url: str) -> list[str]:
    """Where LINE may send webhooks so that they arrive here: the public address first."""
    public = f"{public_url.rstrip('/')}{WEBHOOK}" if public_url else ""
    return [address for address in (public, state.webhooks.get("line", "")) if address]


def _plain(address: str) -> str:
    return address.replace("//localhost", "//127.0.0.1").rstrip("/")
