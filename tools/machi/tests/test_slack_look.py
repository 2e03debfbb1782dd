"""What the doctor makes of the scopes that a Slack app was installed with."""

import re

import aiohttp
from pydantic import SecretStr

from machi_sdk.clock import SystemClock
from machi_sdk.settings import SlackSettings
from machi_simulator.config import Config
from machi_simulator.slack.scopes import INSTALLED
from machi_simulator.testing import running
from machi_tools.diagnosis.asking import Platform
from machi_tools.diagnosis.findings import Finding, Look
from machi_tools.diagnosis.slack import INSTALL, NEEDED, NEEDED_IN_PRIVATE, look_at_slack
from machi_tools.stack.layout import ROOT

TOKEN = SecretStr("xoxb-simulated")


async def looked(*scopes: str) -> Look:
    config = Config(simulator_slack_scopes=scopes)
    async with running(config) as simulator, aiohttp.ClientSession() as session:
        settings = SlackSettings(
            api_url=simulator.slack_api_url, signing_secret=TOKEN, bot_token=TOKEN, team_id=config.slack_team_id
        )
        platform = Platform(session, settings.api_url, TOKEN.get_secret_value(), SystemClock())
        _, look = await look_at_slack("fukuoka", settings, platform)
    return look


async def test_an_app_with_all_scopes_is_good() -> None:
    assert await looked(*INSTALLED) == Look()


async def test_an_app_that_cannot_work_is_a_finding_and_one_blind_to_private_channels_a_note() -> None:
    look = await looked(*(NEEDED - {"im:history"}))
    assert look.findings == [Finding(what="the Slack app of fukuoka lacks scopes: im:history", cure=INSTALL)]
    (note,) = look.notes
    assert "blind to private channels" in note
    assert "it lacks groups:history, groups:read" in note


def test_the_readme_asks_for_these_scopes() -> None:
    readme = (ROOT / "services" / "channel-slack" / "README.md").read_text("utf-8")
    asked = readme.partition("Bot scopes ")[2].partition("; events")[0]
    assert set(re.findall(r"`([^`]+)`", asked)) == NEEDED | NEEDED_IN_PRIVATE == set(INSTALLED)
