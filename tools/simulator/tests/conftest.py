from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from machi_simulator.config import Config
from machi_simulator.testing import Simulator, running
from machi_simulator.testing_receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
def config(receiver: Receiver, tmp_path: Path) -> Config:
    return Config(
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
