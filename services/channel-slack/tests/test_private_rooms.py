"""A desk's channel may be private; who may not see private ones goes on in public ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import SecretStr

from machi_channel_slack.adapters.rooms import SlackRooms
from machi_channel_slack.adapters.slack_api import SlackApi
from machi_channel_slack.domain.cards import Desk
from machi_sdk.errors import Unavailable
from machi_sdk.settings import SlackSettings
from machi_simulator.config import Config
from machi_simulator.slack.scopes import INSTALLED
from machi_simulator.testing import Simulator, running

OFFICER = "U0OFFICER"
PARKS, ROADS = (Desk(name, name, "ja") for name in ("parks", "roads"))
PUBLIC_ONLY = tuple(scope for scope in INSTALLED if not scope.startswith("groups:"))


async def nobody(_desk_id: str) -> list[str]:
    return []


@asynccontextmanager
async def workspace(scopes: tuple[str, ...] = INSTALLED) -> AsyncIterator[tuple[Simulator, SlackRooms]]:
    config = Config(simulator_slack_scopes=scopes)
    async with running(config) as simulator, aiohttp.ClientSession() as session:
        await simulator.slack.add_user(OFFICER, "officer")
        settings = SlackSettings(
            api_url=simulator.slack_api_url,
            signing_secret=SecretStr(config.slack_signing_secret),
            bot_token=SecretStr(config.slack_bot_token),
            team_id=config.slack_team_id,
        )
        yield simulator, SlackRooms(SlackApi(settings, session), nobody)


async def private(simulator: Simulator, desk: Desk) -> str:
    room = await simulator.slack.create_channel(OFFICER, desk.name)
    await simulator.slack.make_private(OFFICER, room.id)
    return room.id


async def test_a_private_channel_is_found_once_the_app_is_in_it() -> None:
    async with workspace() as (simulator, rooms):
        room = await private(simulator, PARKS)
        with pytest.raises(Unavailable, match="parks"):
            await rooms.of(PARKS)
        await simulator.slack.let_in(OFFICER, room)
        assert await rooms.of(PARKS) == room


async def test_an_app_without_the_scopes_goes_on_in_public_channels() -> None:
    async with workspace(PUBLIC_ONLY) as (simulator, rooms):
        await simulator.slack.let_in(OFFICER, await private(simulator, PARKS))
        room = await simulator.slack.create_channel(OFFICER, ROADS.name)
        assert await rooms.of(ROADS) == room.id
        assert await simulator.refused() == [], "what Slack refuses raises an alarm"
        with pytest.raises(Unavailable, match="parks"):
            await rooms.of(PARKS)


@pytest.mark.parametrize(("scopes", "heard"), [(INSTALLED, 1), (PUBLIC_ONLY, 0)])
async def test_slack_is_silent_about_private_channels_to_an_app_that_may_not_read_them(
    scopes: tuple[str, ...], heard: int
) -> None:
    async with workspace(scopes) as (simulator, _):
        room = await private(simulator, PARKS)
        await simulator.slack.let_in(OFFICER, room)
        await simulator.slack.say(OFFICER, room, "words")
        assert len(await simulator.webhooks("slack", "events:message")) == heard
