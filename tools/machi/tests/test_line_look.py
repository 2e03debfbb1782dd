"""What the doctor makes of LINE's answers about the webhook: a finding with its cure, or a note."""

from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from machi_sdk.clock import SystemClock
from machi_sdk.settings import LineSettings
from machi_simulator.config import Config
from machi_simulator.faults import Fault
from machi_simulator.testing import Simulator, running
from machi_tools.diagnosis.asking import Platform
from machi_tools.diagnosis.findings import Finding, Look
from machi_tools.diagnosis.line import Account, look_at_line
from machi_tools.rows import Rows
from machi_tools.stack.layout import ROOT, Layout

TOKEN = SecretStr("simulated-line-token")
OURS = "https://city.example/line/webhook"
ENDPOINT = "/line/v2/bot/channel/webhook/endpoint"
NO_ADDRESS = Finding(
    what="LINE has no address for the webhooks of fukuoka", cure=f"set it to {OURS} in the LINE Developers Console"
)


async def looked(simulator: Simulator, state: Path) -> Look:
    """What is said of the account when nothing else runs here."""
    bot = Config().line_bot_user_id
    settings = LineSettings(
        api_url=simulator.line_api_url, channel_secret=TOKEN, channel_access_token=TOKEN, bot_user_id=bot
    )
    async with aiohttp.ClientSession() as session:
        platform = Platform(session, settings.api_url, TOKEN.get_secret_value(), SystemClock())
        _, look = await look_at_line(Account("fukuoka", settings, [OURS]), platform, Rows(Layout(ROOT, state)))
    return look


async def test_an_account_without_an_address_for_webhooks_is_a_finding(tmp_path: Path) -> None:
    async with running(Config(simulator_line_webhook="")) as simulator:
        look = await looked(simulator, tmp_path)
    assert (look.findings, look.notes) == ([NO_ADDRESS], [])


@pytest.mark.parametrize(("status", "findings"), [(200, [NO_ADDRESS]), (404, [NO_ADDRESS]), (429, []), (500, [])])
async def test_what_line_answers_without_an_address_is_told_by_its_status(
    tmp_path: Path, status: int, findings: list[Finding]
) -> None:
    async with running() as simulator:
        await simulator.plan(Fault(path=ENDPOINT, kind="status", status=status))
        look = await looked(simulator, tmp_path)
    assert look.findings == findings
    assert len(look.notes) == (0 if findings else 1)


async def test_a_line_that_does_not_say_it_is_no_finding(tmp_path: Path) -> None:
    async with running() as simulator:
        await simulator.plan(Fault(path=ENDPOINT, kind="reset", count=2))  # the client itself tries twice
        look = await looked(simulator, tmp_path)
    assert look.findings == []
    assert look.notes == ["LINE did not say where the webhooks of fukuoka go: see in the LINE Developers Console"]
