"""Every tenant's channels, asked with the settings that the channels' pods were started with."""

from collections.abc import Awaitable
from dataclasses import dataclass, field

import aiohttp

from machi_sdk.clock import Clock
from machi_sdk.settings import Settings
from machi_tools.diagnosis import line
from machi_tools.diagnosis.asking import Platform
from machi_tools.diagnosis.findings import Look
from machi_tools.diagnosis.machine import clock_look
from machi_tools.diagnosis.settings import channels_of, settings_of
from machi_tools.diagnosis.slack import look_at_slack
from machi_tools.rows import Rows
from machi_tools.stack.state import State


@dataclass
class ChannelsSeen:
    """What the platforms said: how far their clocks are ahead, LINE's redelivery, what is wrong."""

    clocks: dict[str, float] = field(default_factory=dict)
    redelivery: str = "unknown: not asked"
    looks: list[Look] = field(default_factory=list)

    async def take(self, platform: str, asked: Awaitable[tuple[float | None, Look]]) -> None:
        """Wait for one platform's answer."""
        skew, look = await asked
        self.looks.append(look)
        if skew is not None and platform.lower() not in self.clocks:
            self.clocks[platform.lower()] = round(skew, 1)
            self.looks.append(clock_look(f"{platform}'s", skew))


async def look_at_channels(session: aiohttp.ClientSession, state: State, rows: Rows, clock: Clock) -> ChannelsSeen:
    """Ask both platforms for every tenant."""
    seen = ChannelsSeen()
    for_line, for_slack = settings_of(state, line.POD), settings_of(state, "channel-slack")
    webhooks = line.webhook_addresses(state, for_line.public_url if for_line else "")
    for tenant, of_line in channels_of(lambda: for_line.line_channels).by_tenant.items() if for_line else ():
        account = line.Account(tenant, of_line, webhooks)
        platform = Platform(session, of_line.api_url, of_line.channel_access_token.get_secret_value(), clock)
        await seen.take("LINE", line.look_at_line(account, platform, rows))
    for tenant, of_slack in channels_of(lambda: for_slack.slack_channels).by_tenant.items() if for_slack else ():
        platform = Platform(session, of_slack.api_url, of_slack.bot_token.get_secret_value(), clock)
        await seen.take("Slack", look_at_slack(tenant, of_slack, platform))
    seen.redelivery, look = await line.look_at_redelivery(session, state, _line_address(for_line, state))
    seen.looks.append(look)
    return seen


def _line_address(settings: Settings | None, state: State) -> str:
    return settings.line_api_url if settings else f"http://{state.simulator}/"
