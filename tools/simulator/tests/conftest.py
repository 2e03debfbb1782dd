import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from looking import CARD, CAROUSEL, CHROMIUM, CONFIRM, FLEX, MAP, OFFICER, QUICK, Desk, menu, open_page, push
from playwright.async_api import Browser, async_playwright
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.config import Config
from machi_simulator.testing import Simulator, running
from machi_simulator.testing_receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
def config(receiver: Receiver, tmp_path: Path) -> Config:
    city_map = tmp_path / "map.json"
    city_map.write_text(json.dumps(MAP))
    return Config(
        simulator_map=city_map,
        simulator_line_webhook=f"{receiver.url}/line/webhook",
        simulator_slack_events=f"{receiver.url}/slack/events",
        simulator_slack_interactivity=f"{receiver.url}/slack/interactivity",
        simulator_slack_commands=f"{receiver.url}/slack/commands",
        simulator_state=tmp_path / "simulator.sqlite",
        simulator_line_timeout=1.0,
        simulator_slack_timeout=1.0,
        simulator_line_redelivery_delays=(0.05, 0.05, 0.05),
        simulator_slack_retry_delays=(0.05, 0.05, 0.05),
    )


@pytest.fixture
async def simulator(config: Config) -> AsyncIterator[Simulator]:
    async with running(config) as found:
        yield found


@pytest.fixture
async def line(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"authorization": "Bearer simulated-line-token", "accept-language": "en"}
    async with aiohttp.ClientSession(simulator.url, headers=headers) as session:
        yield session


@pytest.fixture
async def friend(simulator: Simulator, line: aiohttp.ClientSession) -> str:
    user = await simulator.line.create("春吉 花子")
    await simulator.line.follow(user)
    await simulator.line.say(user, "通報")
    await menu(line)
    await push(line, user, FLEX, CONFIRM, CAROUSEL, QUICK)
    return user


@pytest.fixture
async def slack(simulator: Simulator) -> AsyncWebClient:
    await simulator.slack.add_user(OFFICER, "道路担当")
    return AsyncWebClient("xoxb-simulated", base_url=simulator.slack_api_url)


@pytest.fixture
async def channel(slack: AsyncWebClient) -> str:
    found: str = (await slack.conversations_create(name="道路-中央区"))["channel"]["id"]
    posted = await slack.chat_postMessage(channel=found, text="AB12-CD34", blocks=CARD)
    await slack.chat_postMessage(channel=found, text="市民より: *まだ* です", thread_ts=posted["ts"])
    return found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield launched
        await launched.close()


@pytest.fixture
async def desk(simulator: Simulator, browser: Browser, slack: AsyncWebClient, receiver: Receiver, channel: str) -> Desk:
    page = await open_page(browser, 390, "light")
    await page.goto(f"{simulator.url}/workspace?user={OFFICER}&channel={channel}")
    return Desk(simulator, page, slack, receiver)
